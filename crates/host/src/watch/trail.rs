//! The way to a file: every symbolic link on it and the file at its end.
//!
//! A `ConfigMap` changes by a link that is renamed (`policy.yaml -> ..data/policy.yaml`, `..data -> ..2026_01_02`),
//! so it is not enough to look at the file's own directory.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;

/// What may change when a file's content does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trail {
    /// The directories of the entries, without links in their names.
    pub(super) directories: BTreeSet<PathBuf>,
    /// Links and files by their full names. Where the way breaks off, what is missing.
    pub(super) entries: BTreeSet<PathBuf>,
}

impl Trail {
    /// Goes the way to each file.
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let mut trail = Self::default();
        for file in files {
            trail.follow(file);
        }
        trail
    }

    fn follow(&mut self, file: &Path) {
        let mut at = PathBuf::from("/");
        let Ok(absolute) = std::path::absolute(file) else { return };
        let mut ahead = steps(&absolute);
        let mut links = 0;
        while let Some(step) = ahead.pop() {
            if step == ".." {
                at.pop();
                continue;
            }
            let entry = at.join(&step);
            let kind = fs::symlink_metadata(&entry).map(|found| found.file_type());
            match kind {
                Ok(kind) if kind.is_dir() && !ahead.is_empty() => at = entry,
                Ok(kind) if kind.is_symlink() && links < MAX_LINKS => {
                    links += 1;
                    let target = fs::read_link(&entry).unwrap_or_default();
                    self.add(&at, entry);
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    ahead.extend(steps(&target));
                }
                _ => return self.add(&at, entry),
            }
        }
    }

    fn add(&mut self, directory: &Path, entry: PathBuf) {
        self.directories.insert(directory.to_owned());
        self.entries.insert(entry);
    }
}

/// The names of a path, the last first.
fn steps(path: &Path) -> Vec<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn set(dir: &Path, names: &[&str]) -> BTreeSet<PathBuf> {
        names.iter().map(|name| if name.is_empty() { dir.to_owned() } else { dir.join(name) }).collect()
    }

    #[test]
    fn the_way_through_a_config_map_has_its_link_its_data_link_and_its_file() {
        let temp = TempDir::new().unwrap();
        let dir = fs::canonicalize(temp.path()).unwrap();
        fs::create_dir(dir.join("..1")).unwrap();
        fs::write(dir.join("..1/policy.yaml"), "").unwrap();
        symlink("..1", dir.join("..data")).unwrap();
        symlink("..data/policy.yaml", dir.join("policy.yaml")).unwrap();
        let trail = Trail::of(&[dir.join("policy.yaml")]);
        assert_eq!(trail.directories, set(&dir, &["", "..1"]));
        assert_eq!(trail.entries, set(&dir, &["policy.yaml", "..data", "..1/policy.yaml"]));

        fs::create_dir(dir.join("far")).unwrap();
        symlink("../policy.yaml", dir.join("far/own.yaml")).unwrap();
        symlink(dir.join("far"), dir.join("near")).unwrap();
        let trail = Trail::of(&[dir.join("near/./own.yaml")]);
        assert_eq!(trail.directories, set(&dir, &["", "far", "..1"]));
        let entries = ["near", "far/own.yaml", "policy.yaml", "..data", "..1/policy.yaml"];
        assert_eq!(trail.entries, set(&dir, &entries));
    }

    #[test]
    fn the_way_ends_where_something_is_missing_or_links_go_in_a_circle() {
        let temp = TempDir::new().unwrap();
        let dir = fs::canonicalize(temp.path()).unwrap();
        let trail = Trail::of(&[dir.join("a/b/c")]);
        assert_eq!((trail.directories, trail.entries), (set(&dir, &[""]), set(&dir, &["a"])));
        symlink("two", dir.join("one")).unwrap();
        symlink("one", dir.join("two")).unwrap();
        let trail = Trail::of(&[dir.join("one")]);
        assert_eq!(trail.entries, set(&dir, &["one", "two"]));
    }
}
