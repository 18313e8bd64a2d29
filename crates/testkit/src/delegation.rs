//! Delegation tokens: the keys of a deployment, callers that come by a token, and the calls that issue one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Result;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use lakegate_broker::{Delegation, DelegationKeys, StalenessBounds};
use lakegate_client::{Client, ClientConfig, ClientIdentity, DelegationToken};
use lakegate_delegation::{DelegationKey, KeyId, KeyRing, Quotas, RenewalTerms, Terms};
use lakegate_proto::v1;
use lakegate_proto::v1::delegation_token_service_client::DelegationTokenServiceClient;
use lakegate_token_store::{LogName, RecordLog, SealedLog, SealingKey, SealingKeys};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;
use zeroize::Zeroizing;

use crate::{Caller, Deployment, Issued, Refused};

/// The cluster whose tokens a deployment believes.
pub const CLUSTER: &str = "quickstart";

/// How far ahead the clock of another broker may be.
const SKEW: Duration = Duration::from_secs(30);

/// Fresh keys for all brokers of a deployment.
fn fresh_keys() -> Result<DelegationKeys> {
    let ring = KeyRing::single(CLUSTER, DelegationKey::generate(KeyId::new(1)?)?)?;
    Ok(DelegationKeys::new(ring))
}

/// How delegation tokens live in a deployment, and where it is written.
#[derive(Debug, Clone)]
pub struct Delegating {
    /// How long they live.
    pub terms: RenewalTerms,
    /// How many there may be.
    pub quotas: Quotas,
    /// For how long a broker goes on that cannot read the log.
    pub staleness: StalenessBounds,
    /// How often the log is looked at.
    pub follow_every: Duration,
    /// The least epoch of the log.
    pub epoch: u32,
    /// Where the log is; in the deployment's store unless set.
    pub log: Option<Arc<dyn RecordLog>>,
}

impl Default for Delegating {
    /// As the product has it, looking at the log more often.
    fn default() -> Self {
        Self {
            terms: RenewalTerms { terms: Terms::default(), grace: Duration::ZERO },
            quotas: Quotas::default(),
            staleness: StalenessBounds::default(),
            follow_every: Duration::from_millis(100),
            epoch: 0,
            log: None,
        }
    }
}

/// What all brokers of a deployment share of delegation tokens.
#[derive(Debug)]
pub(crate) struct SharedDelegation {
    delegating: Delegating,
    keys: DelegationKeys,
    log: Arc<dyn RecordLog>,
    sealing: Zeroizing<[u8; 32]>,
}

impl SharedDelegation {
    /// Fresh keys, and the log.
    pub(crate) fn new(delegating: Delegating, logs: Arc<dyn RecordLog>) -> Result<Self> {
        let log = delegating.log.clone().unwrap_or(logs);
        let mut sealing = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *sealing)?;
        Ok(Self { delegating, keys: fresh_keys()?, log, sealing })
    }

    /// The keys in force.
    pub(crate) fn keys(&self) -> &DelegationKeys {
        &self.keys
    }

    /// What one broker is told; it has a memory of the log of its own.
    pub(crate) fn of_one_broker(&self) -> Result<Delegation> {
        let Delegating { terms, quotas, staleness, follow_every, epoch, .. } = self.delegating;
        let sealing = SealingKeys::single(SealingKey::from_bytes(1, *self.sealing));
        let log = SealedLog::new(Arc::clone(&self.log), LogName::DelegationTokens, sealing, CLUSTER)?;
        Ok(Delegation {
            keys: self.keys.clone(),
            terms,
            skew: SKEW,
            log: Arc::new(log),
            follow_every,
            staleness,
            quotas,
            epoch,
        })
    }
}

/// A channel, and the credential that goes with every request on it.
#[derive(Debug, Clone)]
pub(crate) struct Presenting {
    channel: Channel,
    authorization: Option<HeaderValue>,
}

impl Presenting {
    /// Goes with every request on a channel.
    pub(crate) fn dt(channel: Channel, token: &str) -> Result<Self> {
        let mut authorization = HeaderValue::from_str(&["Lakegate-DT ", token].concat())?;
        authorization.set_sensitive(true);
        Ok(Self { channel, authorization: Some(authorization) })
    }
}

impl From<Channel> for Presenting {
    fn from(channel: Channel) -> Self {
        Self { channel, authorization: None }
    }
}

impl Service<Request<Body>> for Presenting {
    type Response = <Channel as Service<Request<Body>>>::Response;
    type Error = <Channel as Service<Request<Body>>>::Error;
    type Future = <Channel as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Body>>::poll_ready(&mut self.channel, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().append(AUTHORIZATION, authorization.clone());
        }
        self.channel.call(request)
    }
}

impl Deployment {
    /// A caller without a certificate and without anything else.
    ///
    /// # Errors
    /// When no channel can be made.
    pub fn anonymous(&self) -> Result<Caller> {
        Ok(Caller::over(self.channel_as(None)?.into()))
    }

    /// A caller without a certificate who sends this as `authorization` with every request.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub fn caller_with_authorization(&self, authorization: &str) -> Result<Caller> {
        let mut authorization = HeaderValue::from_str(authorization)?;
        authorization.set_sensitive(true);
        let channel = self.channel_as(None)?;
        Ok(Caller::over(Presenting { channel, authorization: Some(authorization) }))
    }

    /// A caller with this certificate.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn caller_as(&self, identity: Issued) -> Result<Caller> {
        Ok(Caller::over(self.channel_as(Some(identity))?.into()))
    }

    /// The same from an address of this machine, such as `127.0.0.2`.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn caller_as_from(&self, identity: Issued, from: Ipv4Addr) -> Result<Caller> {
        Ok(Caller::over(self.channel_from(Some(identity), from)?.into()))
    }

    /// A caller with this certificate who sends this as `authorization` with every request.
    ///
    /// # Errors
    /// When certificate and key do not fit, or the text cannot stand in a header.
    pub fn caller_as_with_authorization(&self, identity: Issued, authorization: &str) -> Result<Caller> {
        let mut authorization = HeaderValue::from_str(authorization)?;
        authorization.set_sensitive(true);
        let channel = self.channel_as(Some(identity))?;
        Ok(Caller::over(Presenting { channel, authorization: Some(authorization) }))
    }

    /// A caller without a certificate who comes by a delegation token.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub fn caller_with_dt(&self, token: &str) -> Result<Caller> {
        self.caller_with_authorization(&["Lakegate-DT ", token].concat())
    }

    /// The same from an address of this machine, such as `127.0.0.2`, at another broker of the deployment.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub fn caller_with_dt_at(&self, broker: SocketAddr, from: Ipv4Addr, token: &str) -> Result<Caller> {
        let mut authorization = HeaderValue::from_str(&["Lakegate-DT ", token].concat())?;
        authorization.set_sensitive(true);
        let channel = self.channel_between(None, from, broker)?;
        Ok(Caller::over(Presenting { channel, authorization: Some(authorization) }))
    }

    /// The configuration of a client that proves to be `name`.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn client_config(&self, name: &str) -> Result<ClientConfig> {
        let Issued { chain, key, .. } = self.authority().client(name)?;
        Ok(self.bare_config()?.with_identity(ClientIdentity { chain, key }))
    }

    /// The configuration of a client without a certificate that comes by a delegation token.
    ///
    /// # Errors
    /// When the token is none.
    pub fn client_config_with_dt(&self, token: &str) -> Result<ClientConfig> {
        Ok(self.bare_config()?.with_delegation_token(DelegationToken::parse(token.to_owned())?))
    }

    /// A client without a certificate that comes by a delegation token.
    ///
    /// # Errors
    /// When the token is none or the client cannot be made.
    pub fn client_with_dt(&self, token: &str) -> Result<Client> {
        Ok(Client::connect(self.client_config_with_dt(token)?)?)
    }

    /// The configuration of a client that shows nothing yet.
    ///
    /// # Errors
    /// When the broker has no address.
    pub fn bare_config(&self) -> Result<ClientConfig> {
        let endpoints = vec![self.endpoint().parse()?];
        let mut config = ClientConfig::new(endpoints, vec![self.authority().certificate()]);
        // Tokens are dated by the deployment's clock.
        config.clock = self.clock();
        Ok(config)
    }
}

impl Caller {
    /// A caller over a channel.
    pub(crate) fn over(channel: Presenting) -> Self {
        Self { channel }
    }

    /// `DelegationTokenService.Issue`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn issue(
        &self,
        request: v1::IssueDelegationTokenRequest,
    ) -> Result<v1::IssueDelegationTokenResponse, Refused> {
        let mut client = DelegationTokenServiceClient::new(self.channel.clone());
        Ok(client.issue(request).await?.into_inner())
    }

    /// A delegation token that this renewer may renew; nobody when it is empty.
    ///
    /// # Errors
    /// The refusal.
    pub async fn delegation_token(&self, renewer: &str) -> Result<String, Refused> {
        let request = v1::IssueDelegationTokenRequest { renewer: renewer.to_owned(), ..Default::default() };
        Ok(self.issue(request).await?.token)
    }

    /// `DelegationTokenService.Renew`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn renew(&self, token: &str) -> Result<v1::RenewDelegationTokenResponse, Refused> {
        let mut client = DelegationTokenServiceClient::new(self.channel.clone());
        let request = v1::RenewDelegationTokenRequest { token: token.to_owned() };
        Ok(client.renew(request).await?.into_inner())
    }

    /// `DelegationTokenService.Cancel`.
    ///
    /// # Errors
    /// The refusal.
    pub async fn cancel(&self, token: &str) -> Result<v1::CancelDelegationTokenResponse, Refused> {
        let mut client = DelegationTokenServiceClient::new(self.channel.clone());
        let request = v1::CancelDelegationTokenRequest { token: token.to_owned() };
        Ok(client.cancel(request).await?.into_inner())
    }
}
