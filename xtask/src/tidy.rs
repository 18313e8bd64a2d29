//! House rules that a machine can hold: where arrows between crates may point, how long files are, how they
//! open, which words and calls stay out, that links lead somewhere.
//!
//! Each rule is a function from a [`Tree`] to findings, with a test that shows it failing on a bad sample. The
//! same rules run over the repository in `cargo test -p xtask`.

mod errors_page;
mod files;
mod floors;
mod links;
mod manifests;
mod patterns;
mod rules;
mod sizes;
mod tokens;
mod words;

use std::fmt;

use anyhow::{Result, bail};
use files::Tree;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; 0 speaks of the whole file.
    line: usize,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.text)
    }
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

const CHECKS: [fn(&Tree) -> Vec<Finding>; 8] = [
    floors::check,
    manifests::check,
    sizes::check_lengths,
    sizes::check_openings,
    rules::check,
    words::check,
    links::check,
    errors_page::check,
];

/// Checks the repository.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read(&crate::process::root())?;
    let findings = check(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files", tree.files().len());
        return Ok(());
    }
    bail!("tidy has {} findings", findings.len())
}

fn check(tree: &Tree) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let tree = Tree::read(&crate::process::root()).unwrap();
        assert!(tree.files().len() > 50, "the walk found only {} files", tree.files().len());
        let findings: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
