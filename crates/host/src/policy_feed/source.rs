//! Reads the policy file and makes a snapshot of it. Blocks; runs on a blocking thread.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{self, Context, SHA256};
use lakegate_policy::{LoadError, PolicyDocument, Snapshot};

use super::SnapshotCheck;
use crate::FeedError;

/// The longest policy file, in bytes; a million rules have about 200 MiB.
const MAX_BYTES: u64 = 512 << 20;

/// A SHA-256.
pub(super) type Digest = [u8; 32];

/// Where policy comes from and what it must pass.
pub(super) struct Source {
    file: PathBuf,
    check: SnapshotCheck,
    limit: u64,
}

/// What a look at the file found.
pub(super) enum Look {
    /// The bytes of the look before.
    Unchanged,
    /// Other bytes, and what came of them.
    Changed {
        /// What the bytes hash to.
        bytes: Digest,
        /// The snapshot, or why there is none.
        loaded: Result<Loaded, FeedError>,
    },
}

/// A snapshot that may be taken into force.
pub(super) struct Loaded {
    /// The snapshot.
    pub(super) snapshot: Arc<Snapshot>,
    /// What the document hashes to, comments and layout aside.
    pub(super) content: Option<Digest>,
}

impl Source {
    /// A source that reads a file.
    pub(super) fn new(file: PathBuf, check: SnapshotCheck) -> Self {
        Self { file, check, limit: MAX_BYTES }
    }

    /// The file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    #[cfg(test)]
    pub(super) fn limited_to(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// Reads the file; parses, compiles and checks it when its bytes differ from those `before`.
    pub(super) fn look(&self, before: Option<Digest>) -> Result<Look, FeedError> {
        let text = self.read()?;
        let bytes = sha256(&text);
        if before == Some(bytes) {
            return Ok(Look::Unchanged);
        }
        Ok(Look::Changed { bytes, loaded: self.load(text) })
    }

    /// Reads the file and makes a snapshot of it.
    pub(super) fn load_once(&self) -> Result<Arc<Snapshot>, FeedError> {
        self.load(self.read()?).map(|loaded| loaded.snapshot)
    }

    /// Reads at most one byte more than the cap, whatever the file says of its length.
    fn read(&self) -> Result<Vec<u8>, FeedError> {
        let failed = |source| FeedError::Read { file: self.file.clone(), source };
        let mut text = Vec::new();
        File::open(&self.file)
            .map_err(failed)?
            .take(self.limit + 1)
            .read_to_end(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > self.limit {
            return Err(FeedError::TooLarge { limit: self.limit });
        }
        Ok(text)
    }

    fn load(&self, text: Vec<u8>) -> Result<Loaded, FeedError> {
        let text = String::from_utf8(text).map_err(|_| FeedError::NotUtf8)?;
        let document = self.parse(&text).map_err(FeedError::Document)?;
        drop(text);
        let content = content(&document);
        let snapshot = Snapshot::compile_owned(document).map_err(FeedError::Document)?;
        (self.check)(&snapshot).map_err(|reason| FeedError::Check { reason })?;
        Ok(Loaded { snapshot: Arc::new(snapshot), content })
    }

    fn parse(&self, text: &str) -> Result<PolicyDocument, LoadError> {
        if self.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            PolicyDocument::from_json(text)
        } else {
            PolicyDocument::from_yaml(text)
        }
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    to_array(&digest::digest(&SHA256, bytes))
}

/// Hashes a document in one canonical form, without holding that form in memory. None equals no other, so where
/// it cannot be written any change needs a higher version.
fn content(document: &PolicyDocument) -> Option<Digest> {
    struct Hashing(Context);
    impl io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = Hashing(Context::new(&SHA256));
    serde_json::to_writer(&mut hashing, document).ok()?;
    Some(to_array(&hashing.0.finish()))
}

fn to_array(digest: &digest::Digest) -> Digest {
    let mut array = [0; 32];
    array.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    array
}
