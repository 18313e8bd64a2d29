//! Files that mean something together, read together.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use super::FileContent;
use crate::HostError;

/// Which files, and which of them hold a secret.
#[derive(Debug, Clone, Default)]
pub struct FileSet(Vec<(PathBuf, Holds)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Public,
    Secret,
}

/// What was read of a set.
#[derive(Debug)]
pub struct Contents {
    files: Vec<FileContent>,
    digest: SetDigest,
}

/// A SHA-256 over the contents of a set: what is kept of it to know a change, even of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetDigest([u8; 32]);

impl FileSet {
    /// No file yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more file, which anybody may read.
    #[must_use]
    pub fn public(mut self, path: &Path) -> Self {
        self.0.push((path.to_owned(), Holds::Public));
        self
    }

    /// With one more file, which holds a secret; see [`super::read_secret`].
    #[must_use]
    pub fn secret(mut self, path: &Path) -> Self {
        self.0.push((path.to_owned(), Holds::Secret));
        self
    }

    /// Where the files are, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// Reads all files. Blocks.
    ///
    /// # Errors
    /// What reading the first one that fails meets.
    pub fn read(&self) -> Result<Contents, HostError> {
        let content = |(path, holds): &(PathBuf, Holds)| match holds {
            Holds::Public => FileContent::public(path),
            Holds::Secret => FileContent::secret(path),
        };
        let files = self.0.iter().map(content).collect::<Result<Vec<_>, _>>()?;
        let mut hashing = Context::new(&SHA256);
        for file in &files {
            hashing.update(&(file.bytes().len() as u64).to_be_bytes());
            hashing.update(file.bytes());
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(hashing.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Ok(Contents { files, digest: SetDigest(digest) })
    }
}

impl Contents {
    /// The files, in the order of their set.
    pub fn files(&self) -> &[FileContent] {
        &self.files
    }

    /// What tells these contents from others.
    pub fn digest(&self) -> SetDigest {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_set_is_read_whole_and_changes_with_each_of_its_files() {
        let dir = TempDir::new().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let set = FileSet::new().public(&a).public(&b);
        fs::write(&a, "12").unwrap();
        assert!(matches!(set.read(), Err(HostError::Read { file, .. }) if file == b));
        fs::write(&b, "3").unwrap();
        let before = set.read().unwrap();
        assert_eq!(before.files().iter().map(FileContent::bytes).collect::<Vec<_>>(), [&b"12"[..], b"3"]);
        assert_eq!(set.read().unwrap().digest(), before.digest());
        fs::write(&a, "1").unwrap();
        fs::write(&b, "23").unwrap();
        assert_ne!(set.read().unwrap().digest(), before.digest(), "the border between files counts");
        let secret = FileSet::new().secret(&a);
        assert!(matches!(secret.read(), Err(HostError::Exposed { .. })));
        assert!(!format!("{before:?}").contains("12"));
    }
}
