//! Links of Markdown pages: every relative one leads to a file or folder, and its anchor to a heading.

use super::Finding;
use super::files::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().filter(|file| file.is_markdown()).flat_map(|file| check_page(tree, file)).collect()
}

fn check_page(tree: &Tree, page: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, target) in targets(&page.text) {
        if let Some(text) = broken(tree, page, target) {
            findings.push(Finding::new(&page.path, at, text));
        }
    }
    findings
}

/// The targets of inline links outside code, each with its line.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            let after = prose.match_indices("](").filter_map(|(start, mark)| prose.get(start + mark.len()..));
            found.extend(after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| (at + 1, target)));
        }
    }
    found
}

fn broken(tree: &Tree, page: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let resolved = if path.is_empty() { Some(page.path.clone()) } else { resolve(page.folder(), path) };
    let Some(resolved) = resolved.filter(|resolved| tree.holds(resolved)) else {
        return Some(format!("the link `{target}` leads nowhere"));
    };
    let headed = anchor.is_empty()
        || tree.file(&resolved).is_none_or(|file| !file.is_markdown() || has_heading(&file.text, anchor));
    (!headed).then(|| format!("the link `{target}` names no heading"))
}

/// A relative path seen from a folder; `None` when it leaves the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

fn has_heading(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| slug(line.trim_start_matches('#').trim())).any(|slug| slug == anchor)
}

/// A heading's anchor: lower case, spaces to hyphens, punctuation dropped.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_links(text: &str) -> usize {
        check(&Tree::of(&[
            ("docs/a.md", text),
            ("docs/adr/0001.md", "# Our own acceptor\n"),
            ("README.md", ""),
        ]))
        .len()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        assert_eq!(
            broken_links("[x](adr/0001.md) [`y`](../README.md) [z](adr/) [w](https://example.org/x)"),
            0
        );
        assert_eq!(broken_links("# Here I am\n[x](#here-i-am) [y](adr/0001.md#our-own-acceptor)"), 0);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(broken_links("[x](0001.md)\n[`y`](../../README.md)\n"), 2);
        assert_eq!(broken_links("[x](#nowhere) [y](adr/0001.md#nothing)"), 2);
    }

    #[test]
    fn code_is_not_a_link() {
        assert_eq!(broken_links("`[x](nowhere.md)`\n```\n[x](nowhere.md)\n```\n"), 0);
    }
}
