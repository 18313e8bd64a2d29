//! What an operator says about the public port, and the files behind it: certificate, key and client authorities, taken
//! together or not at all.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lakegate_host::files::{Contents, FileSet};
use serde::Deserialize;
use thiserror::Error;

use super::{AuthorityFiles, AuthorityName, ClientCertificates, TlsFiles, TlsVersions};

/// The public port's certificate and whom it trusts; paths of PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The server's chain, leaf first.
    pub certificate: PathBuf,
    /// The leaf's key, readable by its owner only.
    pub key: PathBuf,
    /// The one authority of client certificates, named `default`; instead of `authorities`.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// The authorities of client certificates.
    #[serde(default)]
    pub authorities: Vec<AuthoritySettings>,
    /// Whether clients may speak TLS 1.2.
    #[serde(default)]
    pub allow_tls12: bool,
}

/// One authority of client certificates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthoritySettings {
    /// What it is called in profiles, logs and metrics.
    pub name: AuthorityName,
    /// Its roots and intermediates.
    pub file: PathBuf,
}

/// What a configuration says of authorities does not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TlsSettingsError {
    /// No authority, or the shorthand beside a list.
    #[error("one of client_ca and authorities must be set, and only one")]
    Authorities,
}

impl TlsSettings {
    /// The authorities, however they are written.
    ///
    /// # Errors
    /// When what is written does not fit together.
    pub fn authorities(&self) -> Result<Vec<AuthoritySettings>, TlsSettingsError> {
        match (&self.client_ca, self.authorities.as_slice()) {
            (Some(file), []) => {
                Ok(vec![AuthoritySettings { name: AuthorityName::default_name(), file: file.clone() }])
            }
            (None, [_, ..]) => Ok(self.authorities.clone()),
            _ => Err(TlsSettingsError::Authorities),
        }
    }

    /// What clients may speak.
    pub(crate) fn versions(&self) -> TlsVersions {
        if self.allow_tls12 { TlsVersions::Tls12And13 } else { TlsVersions::Tls13 }
    }

    /// The files, in the order in which [`TlsSettings::read`] wants them.
    ///
    /// # Errors
    /// As [`TlsSettings::authorities`].
    pub(crate) fn files(&self) -> Result<FileSet, TlsSettingsError> {
        let files = FileSet::new().public(&self.certificate).secret(&self.key);
        Ok(self.authorities()?.iter().fold(files, |files, authority| files.public(&authority.file)))
    }

    /// What the files say, for these clients.
    ///
    /// # Errors
    /// Which file is not what it must be.
    pub(crate) fn read(&self, clients: ClientCertificates, contents: &Contents) -> Result<TlsFiles> {
        let [certificate, key, bundles @ ..] = contents.files() else { bail!("not all files") };
        let read = |(AuthoritySettings { name, .. }, bundle): (_, &lakegate_host::files::FileContent)| {
            let certificates = bundle.certificates().with_context(|| format!("authority {name}"))?;
            anyhow::Ok(AuthorityFiles { name, certificates })
        };
        Ok(TlsFiles {
            chain: certificate.certificates()?,
            key: key.private_key()?,
            authorities: self.authorities()?.into_iter().zip(bundles).map(read).collect::<Result<_>>()?,
            clients,
            versions: self.versions(),
        })
    }
}
