//! Files with certificates and keys. A key that others may read is refused, not used with a warning.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

/// Reads a file that holds a secret text, without the line end that editors add.
///
/// # Errors
/// As [`read_secret`], and [`HostError::Content`] when it is empty or not UTF-8.
pub fn read_secret_text(path: &Path) -> Result<Secret, HostError> {
    let bytes = read_secret(path)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(HostError::Content { file: path.to_owned(), wanted: "text" });
    }
    Ok(Secret::new(text.to_owned()))
}

/// The private key of a PEM file: PKCS#8, PKCS#1 or SEC1; permissions as for [`read_secret`].
///
/// # Errors
/// As [`read_secret`], and [`HostError::Content`] when there is no key in it.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, HostError> {
    let pem = read_secret(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| no(path, "private key in PEM form"))
}

/// The certificates of a PEM file, in their order; at least one.
///
/// # Errors
/// [`HostError::Read`], [`HostError::TooLarge`] beyond 64 MiB, or [`HostError::Content`] when one is broken or
/// there is none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HostError> {
    let found = pem_items(path, "certificate in PEM form")?;
    if found.is_empty() { Err(no(path, "certificate in PEM form")) } else { Ok(found) }
}

/// The revocation lists of a PEM file; at least one.
///
/// # Errors
/// As [`certificates`].
pub fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, HostError> {
    let found = pem_items(path, "revocation list in PEM form")?;
    if found.is_empty() { Err(no(path, "revocation list in PEM form")) } else { Ok(found) }
}

fn pem_items<T: PemObject>(path: &Path, wanted: &'static str) -> Result<Vec<T>, HostError> {
    let pem = read(path, open(path)?, MAX_PEM_BYTES)?;
    T::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| no(path, wanted))
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

#[cfg(test)]
mod tests;
