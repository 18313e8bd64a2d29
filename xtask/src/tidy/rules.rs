//! Looks for the refused [`PATTERNS`] in code, and for lint expectations without a reason.

use super::Finding;
use super::files::{File, Tree};
use super::patterns::PATTERNS;
use super::tokens::{self, Token};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let Some(all) = tokens::flatten(&file.text) else {
        return vec![Finding::new(&file.path, 0, "is not Rust")];
    };
    let mut findings = Vec::new();
    for pattern in PATTERNS.iter().filter(|pattern| pattern.reaches(file)) {
        let code = if pattern.reaches_tests() { all.as_slice() } else { tokens::before_tests(&all) };
        for at in tokens::find(code, pattern.tokens) {
            let text = format!("`{}`: {}", pattern.tokens.replace(' ', ""), pattern.why);
            findings.push(Finding::new(&file.path, line(code, at), text));
        }
    }
    findings.extend(unreasoned(file, &all));
    findings
}

/// `expect` attributes that do not say why.
fn unreasoned(file: &File, all: &[Token]) -> Vec<Finding> {
    let outer = tokens::find(all, "# [ expect (");
    let inner = tokens::find(all, "# ! [ expect (");
    outer
        .chain(inner)
        .filter(|at| {
            let rest = all.get(*at..).unwrap_or_default();
            !rest.iter().take_while(|token| token.text != "]").any(|token| token.text == "reason")
        })
        .map(|at| Finding::new(&file.path, line(all, at), "`expect` without a reason"))
        .collect()
}

fn line(tokens: &[Token], at: usize) -> usize {
    tokens.get(at).map_or(0, |token| token.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unfinished_code_is_found() {
        assert_eq!(
            lines("a.rs", "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\nfn c() { dbg!(1); }"),
            [1, 2, 3]
        );
    }

    #[test]
    fn ignored_and_sleeping_tests_are_found() {
        assert_eq!(lines("tests/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}"), [2]);
        assert_eq!(lines("src/a/tests.rs", "fn a() {\n std::thread::sleep(x) }"), [2]);
    }

    #[test]
    fn a_lint_is_expected_with_a_reason_and_never_allowed() {
        assert_eq!(lines("a.rs", "#![allow(dead_code)]\n#[allow(clippy::all)]\nfn a() {}"), [2, 1]);
        assert_eq!(lines("a.rs", "#[expect(dead_code)]\nfn a() {}"), [1]);
        assert!(lines("a.rs", "#![expect(dead_code, reason = \"shown\")]").is_empty());
    }

    #[test]
    fn grpc_codes_stay_in_the_status_files() {
        let text = "fn a() { Status::new(tonic::Code::Internal, \"\") }";
        assert_eq!(lines("broker/src/rpc/batch.rs", text), [1]);
        assert!(lines("broker/src/rpc/status.rs", text).is_empty());
        assert!(lines("broker/tests/rpc.rs", text).is_empty());
        assert!(lines("broker/src/a.rs", "#[cfg(test)]\nmod tests { fn a() { Code::Ok } }").is_empty());
    }

    #[test]
    fn boundaries_are_not_formatted() {
        let text = "fn a() { format!(\"{x}\") }\n#[cfg(test)]\nmod tests { fn a() { format!(\"{x}\") } }";
        assert_eq!(lines("crates/sts/src/gcs/boundary.rs", text), [1]);
        assert_eq!(lines("crates/sts/src/gcs/cel/print.rs", text), [1]);
        assert!(lines("crates/sts/src/gcs/exchange.rs", text).is_empty());
    }

    #[test]
    fn a_file_that_does_not_lex_is_found() {
        assert_eq!(lines("a.rs", "fn a( {"), [0]);
    }
}
