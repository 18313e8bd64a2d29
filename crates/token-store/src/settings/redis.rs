//! Redis or Valkey as an operator describes it. What is not safe has to be asked for by name.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, Secret};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::Deserialize;
use url::{Host, Url};

use crate::{
    Breaker, BreakerTerms, DefaultUser, LogBreaker, RedisLog, RedisStore, RedisTerms, RedisTls, StoreError,
};

/// The port of a URL that names none.
const DEFAULT_PORT: u16 = 6379;
/// What keys begin with, and what every other prefix begins with; the access list names it.
const PREFIX: &str = "lg:";
/// The longest prefix.
const MAX_PREFIX: usize = 64;

/// A Redis or Valkey server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// Where it is: `rediss://host:port`. Name and password have keys of their own.
    pub url: Url,
    /// The user that the server's access list knows.
    pub username: String,
    /// The file with that user's password, readable by its owner only.
    pub password_file: PathBuf,
    /// The authority of the server's certificate, PEM; without it the machine's own authorities are trusted.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Our own certificate, PEM, leaf first, where the server asks for one.
    #[serde(default)]
    pub client_certificate: Option<PathBuf>,
    /// Its key.
    #[serde(default)]
    pub client_key: Option<PathBuf>,
    /// What keys begin with; `lg:` or longer, such as `lg:test:` for a second deployment on one server.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Milliseconds for one round trip; afterwards it is a miss.
    #[serde(default = "twenty")]
    pub call_millis: u64,
    /// How many replicas must have what is written to a log before its writer is told that it is done. Without it a
    /// failover may lose a cancellation that was reported as done.
    #[serde(default)]
    pub wait_replicas: u32,
    /// Accepts a connection in the clear, the default user, and a server that serves strangers. Certificates are
    /// checked all the same.
    #[serde(default)]
    pub insecure: bool,
}

fn prefix() -> String {
    PREFIX.to_owned()
}

fn twenty() -> u64 {
    20
}

impl RedisSettings {
    /// Connects, behind a breaker.
    pub(super) async fn open<E: From<StoreError>>(
        &self,
        clock: Arc<dyn Clock>,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<Breaker, E> {
        let terms = self.terms(read)?;
        let call = Duration::from_millis(self.call_millis);
        let store = RedisStore::start(terms, clock).await?;
        Ok(Breaker::new(Arc::new(store), BreakerTerms::within(call), rand::random()))
    }

    /// Connects for logs, behind a breaker.
    pub(super) async fn open_logs<E: From<StoreError>>(
        &self,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<LogBreaker, E> {
        let logs = RedisLog::start(self.terms(read)?).await?;
        let terms = BreakerTerms::within(Duration::from_millis(self.call_millis));
        Ok(LogBreaker::new(Arc::new(logs), terms, rand::random()))
    }

    /// Checks what can be checked without the server, and reads all files.
    ///
    /// # Errors
    /// What `read` says, [`StoreError::Settings`], [`StoreError::CertificateFile`] or [`StoreError::Tls`].
    pub fn terms<E: From<StoreError>>(
        &self,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<RedisTerms, E> {
        self.check()?;
        let host = self.url.host().ok_or(StoreError::Settings("the store's url names no host"))?;
        let host = match host {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let tls = match self.url.scheme() {
            "rediss" => Some(RedisTls { config: self.tls(&read)?, name: server_name(&host)? }),
            _ => None,
        };
        Ok(RedisTerms {
            host,
            port: self.url.port().unwrap_or(DEFAULT_PORT),
            tls,
            username: self.username.clone(),
            password: read(&self.password_file)?,
            prefix: self.prefix.clone(),
            default_user: if self.insecure { DefaultUser::MayBeOpen } else { DefaultUser::MustBeOff },
            wait_replicas: self.wait_replicas,
            seed: rand::random(),
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        let broken = match self.url.scheme() {
            "rediss" => None,
            "redis" if self.insecure => None,
            "redis" => Some("the store's url is not rediss://, and `insecure` is not set"),
            _ => Some("the store's url is neither rediss:// nor redis://"),
        };
        let rules = [
            (!self.url.username().is_empty() || self.url.password().is_some())
                .then_some("the store's url holds a name or password; they have keys of their own"),
            (!matches!(self.url.path(), "" | "/") || self.url.query().is_some())
                .then_some("the store's url has more than a host and a port"),
            self.username.is_empty().then_some("the store's user has no name"),
            (self.username == "default" && !self.insecure)
                .then_some("the store's user is `default`, and `insecure` is not set"),
            (self.client_certificate.is_some() != self.client_key.is_some())
                .then_some("of `client_certificate` and `client_key` only one is set"),
            (self.url.scheme() == "redis" && (self.ca.is_some() || self.client_certificate.is_some()))
                .then_some("certificates are set, and the store's url is not rediss://"),
            (!is_prefix(&self.prefix))
                .then_some("the store's prefix does not begin with `lg:` or has odd characters"),
            (self.call_millis == 0).then_some("the store has no time for a call"),
        ];
        match broken.into_iter().chain(rules.into_iter().flatten()).next() {
            Some(rule) => Err(StoreError::Settings(rule)),
            None => Ok(()),
        }
    }

    fn tls<E: From<StoreError>>(
        &self,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<Arc<ClientConfig>, E> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Tls(error.into()))?
            .with_root_certificates(self.roots()?);
        let config = match (&self.client_certificate, &self.client_key) {
            (Some(certificate), Some(key)) => {
                let key = PrivateKeyDer::from_pem_slice(read(key)?.expose().as_bytes())
                    .map_err(|error| StoreError::CertificateFile(error.into()))?;
                config
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .map_err(|error| StoreError::CertificateFile(error.into()))?
            }
            _ => config.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, StoreError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| StoreError::CertificateFile(error.into()))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            return Err(StoreError::CertificateFile("there is no authority to trust".into()));
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| StoreError::CertificateFile(error.into()))
}

fn server_name(host: &str) -> Result<ServerName<'static>, StoreError> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| StoreError::Settings("the store's host is no name that a certificate can carry"))
}

fn is_prefix(prefix: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.".contains(&byte);
    prefix.starts_with(PREFIX)
        && prefix.ends_with(':')
        && prefix.len() <= MAX_PREFIX
        && prefix.bytes().all(fits)
}

#[cfg(test)]
mod tests;
