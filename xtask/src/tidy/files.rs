//! The files that the rules look at: text, with paths relative to the root and written with `/`.

use std::path::Path;

use anyhow::{Context, Result};

/// Folders that are not source.
const SKIPPED: [&str; 6] = ["target", ".git", "node_modules", "__pycache__", "corpus", "snapshots"];

pub(super) struct File {
    pub(super) path: String,
    /// Empty for a file that is not UTF-8.
    pub(super) text: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(super) fn is_manifest(&self) -> bool {
        self.file_name() == "Cargo.toml"
    }

    pub(super) fn is_markdown(&self) -> bool {
        self.has_extension("md")
    }

    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder the file lies in, without a final slash; empty for the root.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether the whole file is test code: an integration test, or a `tests.rs` beside the code it tests.
    pub(super) fn is_test(&self) -> bool {
        let path = format!("/{}", self.path);
        path.contains("/tests/") || path.ends_with("/tests.rs")
    }

    fn has_extension(&self, wanted: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == wanted)
    }
}

pub(super) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads everything below `root` that is source.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        read_folder(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// A tree of samples.
    #[cfg(test)]
    pub(super) fn of(samples: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { files: samples.iter().map(file).collect() }
    }

    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a path names a file, or a folder that holds one.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = format!("{path}/");
        path.is_empty() || self.files.iter().any(|file| file.path == path || file.path.starts_with(&below))
    }
}

fn read_folder(folder: &Path, relative: &str, files: &mut Vec<File>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if relative.is_empty() { name.clone() } else { format!("{relative}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            read_folder(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            files.push(File { path, text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_code_is_known_by_its_place() {
        let tree = Tree::of(&[
            ("broker/tests/rpc.rs", ""),
            ("broker/src/rpc/tests.rs", ""),
            ("src/contests.rs", ""),
        ]);
        let verdicts: Vec<bool> = tree.files().iter().map(File::is_test).collect();
        assert_eq!(verdicts, [true, true, false]);
    }

    #[test]
    fn a_folder_is_held_when_a_file_lies_in_it() {
        let tree = Tree::of(&[("docs/adr/0001.md", "")]);
        assert!(
            tree.holds("docs/adr/") && tree.holds("docs") && tree.holds("docs/adr/0001.md") && tree.holds("")
        );
        assert!(!tree.holds("docs/ad") && !tree.holds("adr"));
    }
}
