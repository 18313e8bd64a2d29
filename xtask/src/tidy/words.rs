//! Words that tie the repository to one machine or one mirror.

use super::Finding;
use super::files::{File, Tree};

/// Folders of a machine, refused where a path begins.
const FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Text refused wherever it stands: hosts of package registries, and a folder beside the repository.
const ANYWHERE: [&str; 7] = [
    concat!("crates", ".io/api"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("../sha", "red"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().filter(|file| file.file_name() != "Cargo.lock").flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let anywhere = ANYWHERE.iter().filter(|word| line.contains(**word));
        let folders = FOLDERS.iter().filter(|folder| begins_a_path(line, folder));
        findings.extend(
            anywhere.chain(folders).map(|word| Finding::new(&file.path, at + 1, format!("names `{word}`"))),
        );
    }
    findings
}

/// Whether the folder stands where an absolute path begins, rather than inside a longer one.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-/}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_path_is_found_and_a_longer_path_is_not() {
        let bad = format!("see \"{}x\" and `{}y`", FOLDERS[0], FOLDERS[1]);
        assert_eq!(check(&Tree::of(&[("README.md", &bad)])).len(), 2);
        let fine = format!("gs://bucket{}x", FOLDERS[0]);
        assert!(check(&Tree::of(&[("README.md", &fine)])).is_empty());
    }

    #[test]
    fn a_registry_host_is_found_with_its_line() {
        let text = format!("a\nhttps://{}/simple\n", ANYWHERE[3]);
        assert_eq!(
            check(&Tree::of(&[("a.py", &text)])),
            [Finding::new("a.py", 2, format!("names `{}`", ANYWHERE[3]))]
        );
    }
}
