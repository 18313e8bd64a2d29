//! One look at a file with a token: is it another file than last time, and what does it hold.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lakegate_delegation::hadoop::{Credentials, MAX_CREDENTIALS_BYTES};
use lakegate_domain::{Secret, Timestamp};
use zeroize::Zeroizing;

use super::{DelegationToken, MAX_BYTES, Told};
use crate::error::ConfigFault;

/// A file that changed so recently may change again without its times showing it.
const UNSETTLED: Duration = Duration::from_secs(2);

/// What tells a file from what it was: device, number, size, and both times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    number: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            number: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Whether the file has been left alone for so long that a change would show.
    fn is_settled(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_seconds(self.changed.0)) > UNSETTLED
    }
}

/// What a look brought.
#[derive(Debug)]
pub(super) enum Looked {
    /// The file is the one that was read before.
    Same,
    /// It holds this token. Without a stamp, the next look reads it again.
    Holds(DelegationToken, Option<Stamp>),
    /// It cannot be used as it is.
    Bad(ConfigFault, Option<Stamp>),
}

/// Reads the file unless it is the one that is known. A stamp is given for a file only that has come to rest.
pub(super) fn look(path: &Path, services: &[String], known: Option<Stamp>, now: Timestamp) -> Looked {
    let stamp = fs::metadata(path).ok().map(|meta| Stamp::of(&meta));
    if stamp.is_some() && stamp == known {
        return Looked::Same;
    }
    let at_rest = |stamp: Stamp| Some(stamp).filter(|stamp| stamp.is_settled(now));
    match read(path, services) {
        Ok((token, stamp)) => Looked::Holds(token, at_rest(stamp)),
        Err(fault) => Looked::Bad(fault, stamp.and_then(at_rest)),
    }
}

/// Reads a token from a file, whichever of the two kinds it is; of several the one for these services.
pub(super) fn read(path: &Path, services: &[String]) -> Result<(DelegationToken, Stamp), ConfigFault> {
    let failed = |error: std::io::Error| ConfigFault::TokenFile(Arc::new(error));
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let closed_to = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if meta.mode() & closed_to != 0 {
        return Err(ConfigFault::TokenFileExposed);
    }
    let most = MAX_CREDENTIALS_BYTES + 1;
    // As large as the file says it is, so that the buffer does not grow and leave copies behind.
    let expected = usize::try_from(meta.size()).unwrap_or(most).saturating_add(1).min(most);
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected));
    file.take(most as u64).read_to_end(&mut bytes).map_err(failed)?;
    let token = if Credentials::begin(&bytes) { stored(&bytes, services) } else { plain(&bytes) };
    Ok((token?, Stamp::of(&meta)))
}

/// Our token of a token-storage file.
fn stored(bytes: &[u8], services: &[String]) -> Result<DelegationToken, ConfigFault> {
    let credentials = Credentials::read(bytes).map_err(ConfigFault::TokenStorage)?;
    let (token, told) = credentials.ours(services).map_err(ConfigFault::TokenStorage)?;
    let text = Secret::new(token.to_url());
    if text.expose().len() > MAX_BYTES {
        return Err(ConfigFault::DelegationToken);
    }
    Ok(DelegationToken { text, told: Some(Told::from(told)) })
}

/// The url string that is all of a file.
fn plain(bytes: &[u8]) -> Result<DelegationToken, ConfigFault> {
    if bytes.len() > 2 * MAX_BYTES {
        return Err(ConfigFault::DelegationToken);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ConfigFault::DelegationToken)?;
    DelegationToken::parse(text.to_owned())
}
