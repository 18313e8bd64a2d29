//! `docs/errors.md` explains every reason of `proto/src/reason.rs`, and no other.

use std::collections::BTreeSet;

use super::Finding;
use super::files::Tree;
use super::tokens;

const REASONS: &str = "proto/src/reason.rs";
const PAGE: &str = "docs/errors.md";
/// The constant beside the reasons that is none.
const NOT_A_REASON: &str = "DOMAIN";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(reasons) = tree.file(REASONS) else { return Vec::new() };
    let page = tree.file(PAGE).map_or("", |page| page.text.as_str());
    let defined = constants(&reasons.text);
    let explained = first_cells(page);
    let missing = defined.difference(&explained).map(|name| format!("does not explain `{name}`"));
    let unknown =
        explained.difference(&defined).map(|name| format!("explains `{name}`, which no constant names"));
    missing.chain(unknown).map(|text| Finding::new(PAGE, 0, text)).collect()
}

/// The names of the text constants.
fn constants(source: &str) -> BTreeSet<String> {
    let tokens = tokens::flatten(source).unwrap_or_default();
    let names = tokens::find(&tokens, "pub const")
        .filter_map(|at| tokens.get(at + 2))
        .map(|token| token.text.clone());
    names.filter(|name| name != NOT_A_REASON).collect()
}

/// The code in the first cell of every table row.
fn first_cells(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str) -> Vec<String> {
        let source = "pub const DOMAIN: &str = \"lakegate\";\npub const DENIED: &str = \"DENIED\";\npub const DOWN: &str = \"DOWN\";\n";
        let tree = Tree::of(&[(REASONS, source), (PAGE, page)]);
        check(&tree).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn a_page_that_explains_every_reason_is_fine() {
        assert!(findings("| reason | code |\n|---|---|\n| `DENIED` | x |\n| `DOWN` | y |\n").is_empty());
    }

    #[test]
    fn a_missing_and_an_unknown_reason_are_found() {
        let found = findings("| `DENIED` | x |\n| `UP` | y |\n");
        assert_eq!(found, ["does not explain `DOWN`", "explains `UP`, which no constant names"]);
    }
}
