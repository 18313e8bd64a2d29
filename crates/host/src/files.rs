//! Files with certificates and keys. A key that others may read is refused, not used with a warning.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lakegate_domain::Secret;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::HostError;

/// The longest file with a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 1 << 20;
/// The longest file with certificates or revocation lists, in bytes.
const MAX_PEM_BYTES: u64 = 64 << 20;

const OWN_RULE: &str = "only its owner may read it, make it 0600 or 0400";
const ROOT_RULE: &str = "others must not read it and its group not write it, make it 0640 or 0440";
const OWNER_RULE: &str = "it must belong to the user that reads it or to root";

/// Reads a file that holds a secret.
///
/// The file must belong to this process's user and be closed to everybody else; one that belongs to root may be
/// readable by its group, which is how secrets are mounted into containers that do not run as root.
///
/// # Errors
/// [`HostError::Read`], [`HostError::TooLarge`] beyond 1 MiB, or [`HostError::Exposed`].
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let file = open(path)?;
    let meta = file.metadata().map_err(|source| HostError::Read { file: path.to_owned(), source })?;
    let me = rustix::process::geteuid().as_raw();
    if let Some(rule) = broken_rule(meta.mode(), meta.uid(), me) {
        return Err(HostError::Exposed { file: path.to_owned(), mode: meta.mode() & 0o777, rule });
    }
    read(path, file, MAX_SECRET_BYTES)
}

/// The rule that a secret's mode and owner break for a reader, if any.
fn broken_rule(mode: u32, owner: u32, me: u32) -> Option<&'static str> {
    match owner {
        _ if owner == me => (mode & 0o077 != 0).then_some(OWN_RULE),
        0 => (mode & 0o037 != 0).then_some(ROOT_RULE),
        _ => Some(OWNER_RULE),
    }
}

/// What was read of a file at one instant.
pub struct FileContent {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
}

impl FileContent {
    /// Reads a file that anybody may read.
    ///
    /// # Errors
    /// [`HostError::Read`] or [`HostError::TooLarge`] beyond 64 MiB.
    pub fn public(path: &Path) -> Result<Self, HostError> {
        Ok(Self { path: path.to_owned(), bytes: read(path, open(path)?, MAX_PEM_BYTES)? })
    }

    /// Reads a file that holds a secret.
    ///
    /// # Errors
    /// As [`read_secret`].
    pub fn secret(path: &Path) -> Result<Self, HostError> {
        Ok(Self { path: path.to_owned(), bytes: read_secret(path)? })
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text, without one line end at its end.
    ///
    /// # Errors
    /// [`HostError::Content`] when it is empty or not UTF-8.
    pub fn secret_text(&self) -> Result<Secret, HostError> {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() { Err(no(&self.path, "text")) } else { Ok(Secret::new(text.to_owned())) }
    }

    /// The private key of a PEM text: PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// [`HostError::Content`] when there is no key in it.
    pub fn private_key(&self) -> Result<PrivateKeyDer<'static>, HostError> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|_| no(&self.path, "private key in PEM form"))
    }

    /// The certificates of a PEM text, in their order; at least one.
    ///
    /// # Errors
    /// [`HostError::Content`] when one is broken or there is none.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, HostError> {
        self.pem_items("certificate in PEM form")
    }

    /// The revocation lists of a PEM text; at least one.
    ///
    /// # Errors
    /// As [`FileContent::certificates`].
    pub fn revocation_lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, HostError> {
        self.pem_items("revocation list in PEM form")
    }

    fn pem_items<T: PemObject>(&self, wanted: &'static str) -> Result<Vec<T>, HostError> {
        let items = T::pem_slice_iter(&self.bytes).collect::<Result<Vec<_>, _>>();
        items.ok().filter(|items| !items.is_empty()).ok_or_else(|| no(&self.path, wanted))
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileContent").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Reads a file that holds a secret text, without the line end that editors add.
///
/// # Errors
/// As [`read_secret`], and [`HostError::Content`] when it is empty or not UTF-8.
pub fn read_secret_text(path: &Path) -> Result<Secret, HostError> {
    FileContent::secret(path)?.secret_text()
}

/// Checks, without making or changing anything, that a file can be written or made.
///
/// # Errors
/// [`HostError::Write`].
pub fn check_writable(path: &Path) -> Result<(), HostError> {
    let failed = |source| HostError::Write { file: path.to_owned(), source };
    match std::fs::OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        outcome => return outcome.map(drop).map_err(failed),
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|errno| failed(errno.into()))
}

/// The private key of a PEM file: PKCS#8, PKCS#1 or SEC1; permissions as for [`read_secret`].
///
/// # Errors
/// As [`read_secret`], and [`HostError::Content`] when there is no key in it.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, HostError> {
    FileContent::secret(path)?.private_key()
}

/// The certificates of a PEM file, in their order; at least one.
///
/// # Errors
/// [`HostError::Read`], [`HostError::TooLarge`] beyond 64 MiB, or [`HostError::Content`] when one is broken or
/// there is none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HostError> {
    FileContent::public(path)?.certificates()
}

/// The revocation lists of a PEM file; at least one.
///
/// # Errors
/// As [`certificates`].
pub fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, HostError> {
    FileContent::public(path)?.revocation_lists()
}

fn no(path: &Path, wanted: &'static str) -> HostError {
    HostError::Content { file: path.to_owned(), wanted }
}

fn open(path: &Path) -> Result<File, HostError> {
    File::open(path).map_err(|source| HostError::Read { file: path.to_owned(), source })
}

/// Reads a whole file into a buffer that is large enough from the start, so that none is left behind.
fn read(path: &Path, file: File, limit: u64) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let failed = |source| HostError::Read { file: path.to_owned(), source };
    let len = file.metadata().map_err(failed)?.len().min(limit);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(HostError::TooLarge { file: path.to_owned() });
    }
    Ok(bytes)
}

mod set;

pub use self::set::{Contents, FileSet, SetDigest};

#[cfg(test)]
mod tests;
