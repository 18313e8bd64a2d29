//! More brokers beside a deployment's first, for tests of what happens when one goes away.
//!
//! All share the policy, the shared tier, the emulated cloud and the reserve of its budget. Each of these has a runtime
//! of its own, so that it can be killed as a process is: everything stops where it stands, and its sockets close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use lakegate_broker::{Broker, BrokerParts, LiveTls, PolicyTerms};
use lakegate_host::PolicyFeed;
use lakegate_token_store::SealedTokens;
use prometheus::Registry;
use tokio::runtime::{Builder, Runtime};

use super::{DRAIN, Deployment, Minters, audit_log, broker_tls, own_buckets, principals};
use crate::delegation::SharedDelegation;
use crate::{AuditTrail, Options};

/// What all brokers of a deployment are made from.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) options: Options,
    pub(super) policy: Arc<PolicyFeed>,
    pub(super) tokens: Arc<SealedTokens>,
    minters: Minters,
    pub(super) delegation: Option<SharedDelegation>,
    /// How many brokers were made beside the first.
    extra: AtomicUsize,
}

impl Common {
    pub(super) fn new(
        options: Options,
        (policy, tokens): (&Arc<PolicyFeed>, &Arc<SealedTokens>),
        minters: Minters,
        delegation: Option<SharedDelegation>,
    ) -> Self {
        let (policy, tokens) = (Arc::clone(policy), Arc::clone(tokens));
        Self { options, policy, tokens, minters, delegation, extra: AtomicUsize::new(0) }
    }

    /// The parts of one broker.
    pub(super) fn parts(&self, port: u16, tls: &Arc<LiveTls>, audit: &AuditTrail) -> Result<BrokerParts> {
        let options = &self.options;
        let delegation = self.delegation.as_ref().map(SharedDelegation::of_one_broker);
        Ok(BrokerParts {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            tls: Arc::clone(tls),
            policy: PolicyTerms {
                feed: Arc::clone(&self.policy),
                staleness: options.staleness,
                own_buckets: own_buckets(options)?,
            },
            tokens: Arc::clone(&self.tokens),
            minters: self.minters.clone(),
            audit: audit_log(options, audit).context("audit log")?,
            identities: options.identities.clone(),
            delegation: delegation.transpose().context("delegation")?,
            acting: options.acting.start()?,
            administrators: principals(&options.administrators)?,
            limits: options.limits,
            clock: Arc::clone(&options.clock),
        })
    }
}

/// A broker beside the first; it dies when it is dropped.
#[derive(Debug)]
pub struct ExtraBroker {
    broker: Option<Broker>,
    runtime: Option<Runtime>,
    address: SocketAddr,
    audit: AuditTrail,
}

impl ExtraBroker {
    /// Where it is, `https://localhost:PORT`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Its socket address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its own audit log.
    pub fn audit(&self) -> &AuditTrail {
        &self.audit
    }

    /// Stops it as an operator does; tells whether it answered all requests first.
    ///
    /// # Errors
    /// When it died on the way.
    pub async fn drain(mut self) -> Result<bool> {
        match (self.broker.take(), &self.runtime) {
            (Some(broker), Some(runtime)) => Ok(runtime.spawn(broker.drain(DRAIN)).await?),
            _ => Ok(true),
        }
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for ExtraBroker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Deployment {
    /// Starts another broker of this deployment, and waits until it mirrors the shared tier and knows what became of
    /// delegation tokens.
    ///
    /// # Errors
    /// What could not be started.
    pub async fn start_broker(&self) -> Result<ExtraBroker> {
        let common = &self.common;
        let number = common.extra.fetch_add(1, Ordering::Relaxed);
        let audit = AuditTrail::new(self.folder.path().join(format!("audit-{number}.jsonl")));
        let tls = LiveTls::new(broker_tls(&self.authority, &common.options)?, common.options.clock.now())?;
        let parts = common.parts(0, &Arc::new(tls), &audit)?;
        let has_policy = common.policy.current().is_some();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let starting = runtime.spawn(async move {
            let broker = Broker::start(parts, &Registry::new()).await?;
            broker.delegation_tokens_known().await;
            if has_policy {
                broker.mirror().loaded().await;
            }
            anyhow::Ok(broker)
        });
        let broker = starting.await.context("broker task")?.context("broker")?;
        let address = broker.address();
        Ok(ExtraBroker { broker: Some(broker), runtime: Some(runtime), address, audit })
    }
}
