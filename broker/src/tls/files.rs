//! What an operator says about the public port, and the files behind it: certificate, key and client authorities, taken
//! together or not at all.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lakegate_host::files::{Contents, FileSet};
use serde::Deserialize;
use thiserror::Error;

use super::{
    AuthorityFiles, AuthorityName, ClientCertificates, Places, Revocation, RevocationBook,
    RevocationSettings, TlsFiles, TlsVersions,
};

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
    /// Whether certificates of that one authority can be taken back; must be said beside `client_ca`.
    #[serde(default)]
    pub revocation: Option<RevocationSettings>,
    /// The authorities of client certificates.
    #[serde(default)]
    pub authorities: Vec<AuthoritySettings>,
    /// A folder that remembers the newest revocation lists, so that after a restart none older is taken.
    #[serde(default)]
    pub keep_lists: Option<PathBuf>,
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
    /// Its roots and intermediates. Where certificates can be taken back it must hold every issuer of client
    /// certificates, for their lists are verified by it.
    pub file: PathBuf,
    /// Whether its certificates can be taken back.
    pub revocation: RevocationSettings,
}

/// What a configuration says of authorities does not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TlsSettingsError {
    /// No authority, or the shorthand beside a list.
    #[error("one of client_ca and authorities must be set, and only one")]
    Authorities,
    /// Nobody said whether certificates can be taken back.
    #[error("revocation must be set beside client_ca: \"none\", or where the lists are")]
    Revocation,
    /// Each authority of a list says it for itself.
    #[error("revocation belongs to client_ca; each of authorities has its own")]
    RevocationOfWhom,
    /// A table of revocation without a place.
    #[error("revocation names neither files nor urls; say \"none\" if certificates cannot be revoked")]
    NoPlace,
}

impl TlsSettings {
    /// The authorities, however they are written.
    ///
    /// # Errors
    /// When what is written does not fit together.
    pub fn authorities(&self) -> Result<Vec<AuthoritySettings>, TlsSettingsError> {
        let authorities = match (&self.client_ca, self.authorities.as_slice()) {
            (Some(file), []) => {
                let revocation = self.revocation.clone().ok_or(TlsSettingsError::Revocation)?;
                vec![AuthoritySettings {
                    name: AuthorityName::default_name(),
                    file: file.clone(),
                    revocation,
                }]
            }
            (None, [_, ..]) if self.revocation.is_some() => return Err(TlsSettingsError::RevocationOfWhom),
            (None, [_, ..]) => self.authorities.clone(),
            _ => return Err(TlsSettingsError::Authorities),
        };
        let has_place = |authority: &AuthoritySettings| match &authority.revocation {
            RevocationSettings::None => true,
            RevocationSettings::Lists(lists) => !(lists.files.is_empty() && lists.urls.is_empty()),
        };
        if authorities.iter().all(has_place) { Ok(authorities) } else { Err(TlsSettingsError::NoPlace) }
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

    /// The lists of each authority, none of them read; they outlive what is read of the files.
    ///
    /// # Errors
    /// As [`TlsSettings::authorities`].
    pub(crate) fn revocations(&self) -> Result<Vec<Revocation>, TlsSettingsError> {
        let revocation = |AuthoritySettings { name, revocation, .. }| match revocation {
            RevocationSettings::None => Revocation::Unchecked,
            RevocationSettings::Lists(lists) => {
                Revocation::Lists(Arc::new(RevocationBook::new(name, lists.grace())))
            }
        };
        Ok(self.authorities()?.into_iter().map(revocation).collect())
    }

    /// Where the lists of each authority are.
    ///
    /// # Errors
    /// As [`TlsSettings::authorities`].
    pub(crate) fn places(&self, revocations: &[Revocation]) -> Result<Places, TlsSettingsError> {
        let places = self.authorities()?.into_iter().zip(revocations);
        let place = |(settings, revocation): (AuthoritySettings, &Revocation)| match (
            settings.revocation,
            revocation,
        ) {
            (RevocationSettings::Lists(lists), Revocation::Lists(book)) => Some((Arc::clone(book), lists)),
            _ => None,
        };
        Ok(Places { lists: places.filter_map(place).collect(), keep: self.keep_lists.clone() })
    }

    /// What the files say, for these clients, with the lists of each authority.
    ///
    /// # Errors
    /// Which file is not what it must be.
    pub(crate) fn read(
        &self,
        clients: ClientCertificates,
        revocations: &[Revocation],
        contents: &Contents,
    ) -> Result<TlsFiles> {
        let [certificate, key, bundles @ ..] = contents.files() else { bail!("not all files") };
        let mut authorities = Vec::new();
        for ((settings, revocation), bundle) in self.authorities()?.into_iter().zip(revocations).zip(bundles)
        {
            let AuthoritySettings { name, .. } = settings;
            let certificates = bundle.certificates().with_context(|| format!("authority {name}"))?;
            authorities.push(AuthorityFiles { name, certificates, revocation: revocation.clone() });
        }
        Ok(TlsFiles {
            chain: certificate.certificates()?,
            key: key.private_key()?,
            authorities,
            clients,
            versions: self.versions(),
        })
    }
}
