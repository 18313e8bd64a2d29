//! What a client is made from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::delegation_token::{DelegationToken, DelegationTokenSource};
use http::Uri;
use lakegate_domain::{Clock, SystemClock};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// How long one request may take, retries included, unless the configuration says otherwise.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How many tokens the client tier holds unless the configuration says otherwise.
const DEFAULT_TIER_CAPACITY: usize = 10_000;

/// Where the brokers are and who is asking.
///
/// There is no insecure mode: endpoints are `https`, and the broker's certificate must come from `ca`.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The brokers, `https://host:port`; at least one. Nothing else is accepted.
    pub endpoints: Vec<Uri>,
    /// The authorities from which a broker's certificate may come; at least one. The system's are not used.
    pub ca: Vec<CertificateDer<'static>>,
    /// The client certificate. Without one, and without a delegation token, the broker will know nobody.
    pub identity: Option<ClientIdentity>,
    /// The delegation token of a job that has no client certificate, or its file; never both.
    pub delegation_token: Option<DelegationTokenSource>,
    /// A certificate that goes beside a delegation token and gives no rights: that of a service mesh, or the one to which
    /// the token is bound. Never beside `identity`.
    pub carrier: Option<ClientIdentity>,
    /// The principal on whose behalf everything is asked, when that is somebody else than the client: its rights alone
    /// decide, and the brokers' rules must allow it. Needs a certificate.
    pub on_behalf_of: Option<String>,
    /// The name that the broker's certificate must carry, when it is not the endpoint's host.
    pub server_name: Option<String>,
    /// How long one request to the broker may take, retries included. 10 seconds.
    pub request_timeout: Duration,
    /// Wall time; the machine's.
    pub clock: Arc<dyn Clock>,
    /// How many tokens the client tier holds at most. 10,000.
    pub tier_capacity: usize,
}

impl ClientConfig {
    /// A configuration with the defaults of the fields' documentation and no credential.
    pub fn new(endpoints: Vec<Uri>, ca: Vec<CertificateDer<'static>>) -> Self {
        Self {
            endpoints,
            ca,
            identity: None,
            delegation_token: None,
            carrier: None,
            on_behalf_of: None,
            server_name: None,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            clock: Arc::new(SystemClock),
            tier_capacity: DEFAULT_TIER_CAPACITY,
        }
    }

    /// The same with a client certificate.
    #[must_use]
    pub fn with_identity(mut self, identity: ClientIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The same with a certificate to go beside the delegation token.
    #[must_use]
    pub fn with_carrier(mut self, carrier: ClientIdentity) -> Self {
        self.carrier = Some(carrier);
        self
    }

    /// The same on behalf of somebody: a client for each whom a service serves, so that no token of one is held for
    /// another.
    #[must_use]
    pub fn with_on_behalf_of(mut self, principal: impl Into<String>) -> Self {
        self.on_behalf_of = Some(principal.into());
        self
    }

    /// The same with a delegation token.
    #[must_use]
    pub fn with_delegation_token(self, token: DelegationToken) -> Self {
        self.with_delegation_token_from(DelegationTokenSource::Token(token))
    }

    /// The same with a delegation token from somewhere. A file is read when the client is made, and again whenever it
    /// changes.
    #[must_use]
    pub fn with_delegation_token_from(mut self, source: DelegationTokenSource) -> Self {
        self.delegation_token = Some(source);
        self
    }
}

/// A client certificate with its chain, leaf first, and its private key.
pub struct ClientIdentity {
    /// The certificate and its intermediates, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the leaf.
    pub key: PrivateKeyDer<'static>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({} certificates, key [redacted])", self.chain.len())
    }
}
