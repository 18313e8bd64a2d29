//! Adding a token to one of Hadoop's token-storage files.
//!
//! The file is replaced whole by a new one that only its owner can read: a job that reads it meanwhile sees the old one
//! or the new one. A file of somebody else's is left alone, because its new owner would be another. So is a symbolic
//! link: what it leads to is not what was named. Commands that change files of one folder wait for one another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use lakegate_delegation::CredentialsError;
use lakegate_delegation::hadoop::{Credentials, MAX_CREDENTIALS_BYTES};
use lakegate_domain::Secret;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::exit::Invalid;

/// Fails when a token could not be added to this file under this service.
pub(super) fn check(file: &Path, service: &str) -> Result<()> {
    let credentials = read(file).with_context(|| file.display().to_string())?;
    let theirs = |(alias, token): (&str, lakegate_delegation::TokenView<'_>)| {
        alias == service && token.kind != lakegate_delegation::KIND
    };
    if credentials.tokens().any(theirs) { Err(invalid(file, CredentialsError::AliasTaken)) } else { Ok(()) }
}

/// Adds a token under a service, in the place of the one of our kind that is there.
pub(crate) fn add(file: &Path, service: &str, token: &Secret) -> Result<()> {
    let _until_written = Turn::take(file);
    let mut credentials = read(file).with_context(|| file.display().to_string())?;
    credentials.put_ours(token.expose(), service).map_err(|error| invalid(file, error))?;
    write_private(file, &credentials.to_bytes()).with_context(|| file.display().to_string())
}

/// What a file holds: nothing, when it is not there.
fn read(path: &Path) -> Result<Credentials> {
    // Without waiting: a pipe under that name is no file.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Credentials::new()),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(Invalid("is a symbolic link; name the file itself".to_owned()).into());
        }
        Err(error) => return Err(error.into()),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(Invalid("is not a file".to_owned()).into());
    }
    if meta.uid() != geteuid().as_raw() {
        return Err(Invalid("belongs to somebody else, who could not read it afterwards".to_owned()).into());
    }
    let most = MAX_CREDENTIALS_BYTES + 1;
    let size = usize::try_from(meta.size()).unwrap_or(most);
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1).min(most)));
    file.take(most as u64).read_to_end(&mut bytes)?;
    Credentials::read(&bytes).map_err(|error| told(error).into())
}

fn told(error: CredentialsError) -> Invalid {
    use std::error::Error;
    Invalid(error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")))
}

fn invalid(file: &Path, error: CredentialsError) -> anyhow::Error {
    anyhow::Error::from(told(error)).context(file.display().to_string())
}

/// The right to change files of a folder; given back when it is dropped.
struct Turn(#[expect(dead_code, reason = "the lock lives as long as the open folder")] Option<File>);

impl Turn {
    /// Waits for it. A file system that knows no locks gives it to everybody.
    fn take(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).ok();
        let locked = folder.filter(|folder| flock(folder, FlockOperation::LockExclusive).is_ok());
        Self(locked)
    }
}

/// Puts bytes into place whole, in a file that only its owner can read.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = file.with_file_name(name);
    let written = (|| {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        new.write_all(bytes)?;
        new.sync_all()?;
        fs::rename(&fresh, file)
    })();
    if written.is_err() {
        let _gone = fs::remove_file(&fresh);
    }
    written
}
