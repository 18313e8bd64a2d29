//! Files that can be read in one sitting, each opening with what it is.

use super::Finding;
use super::files::Tree;

/// No file is longer.
const MOST_LINES: usize = 500;
/// Nine of ten files are no longer.
const USUAL_LINES: usize = 350;
/// `main.rs` is a story, not a place for logic.
const MAIN_LINES: usize = 60;

/// Finds files over the cap, and too many long ones.
pub(super) fn check_lengths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut long = Vec::new();
    let mut all = 0_usize;
    for file in tree.rust() {
        all += 1;
        let lines = file.text.lines().count();
        let cap = if file.path.ends_with("src/main.rs") { MAIN_LINES } else { MOST_LINES };
        if lines > cap {
            findings.push(Finding::new(&file.path, 0, format!("has {lines} lines; the cap is {cap}")));
        }
        if lines > USUAL_LINES {
            long.push(file.path.as_str());
        }
    }
    if long.len() * 10 > all {
        let text =
            format!("{} of {all} files have more than {USUAL_LINES} lines: {}", long.len(), long.join(", "));
        findings.push(Finding::new(".", 0, text));
    }
    findings
}

/// Finds Rust files that do not open with `//!`.
pub(super) fn check_openings(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| Finding::new(&file.path, 1, "does not open with `//! ` and what the file is"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(files: &[(&str, usize)]) -> Vec<Finding> {
        let texts: Vec<(String, String)> =
            files.iter().map(|(path, lines)| ((*path).to_owned(), "//! x\n".repeat(*lines))).collect();
        let samples: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        check_lengths(&Tree::of(&samples))
    }

    #[test]
    fn a_file_over_the_cap_is_found() {
        assert_eq!(
            lengths(&[("a.rs", 501), ("b.rs", 10)]).first().map(|finding| finding.path.as_str()),
            Some("a.rs")
        );
        assert_eq!(lengths(&[("src/main.rs", 61)]).len(), 1);
        assert!(lengths(&[("src/main.rs", 60), ("tests/x/main.rs", 61), ("a.rs", 350)]).is_empty());
    }

    #[test]
    fn one_long_file_in_ten_is_the_most() {
        let mut files = vec![("a0.rs", 351), ("a1.rs", 1), ("a2.rs", 1), ("a3.rs", 1), ("a4.rs", 1)];
        assert_eq!(lengths(&files).len(), 1);
        files.extend([("a5.rs", 1), ("a6.rs", 1), ("a7.rs", 1), ("a8.rs", 1), ("a9.rs", 1)]);
        assert!(lengths(&files).is_empty());
    }

    #[test]
    fn a_file_that_says_nothing_about_itself_is_found() {
        assert_eq!(
            check_openings(&Tree::of(&[("build.rs", "fn main() {}\n"), ("a.rs", "//! Words.\n")])).len(),
            1
        );
    }
}
