//! The files behind the public port: certificate, key and client authorities, taken together or not at all.

use anyhow::{Result, bail};
use lakegate_host::files::{Contents, FileSet};

use super::{ClientCertificates, TlsFiles, TlsVersions};
use crate::config::TlsSettings;

impl TlsSettings {
    /// The files, in the order in which [`TlsSettings::read`] wants them.
    pub(crate) fn files(&self) -> FileSet {
        FileSet::new().public(&self.certificate).secret(&self.key).public(&self.client_ca)
    }

    /// What the files say, for these clients.
    ///
    /// # Errors
    /// Which file is not what it must be.
    pub(crate) fn read(&self, clients: ClientCertificates, contents: &Contents) -> Result<TlsFiles> {
        let [certificate, key, client_ca] = contents.files() else { bail!("not three files") };
        Ok(TlsFiles {
            chain: certificate.certificates()?,
            key: key.private_key()?,
            client_ca: client_ca.certificates()?,
            clients,
            versions: if self.allow_tls12 { TlsVersions::Tls12And13 } else { TlsVersions::Tls13 },
        })
    }
}
