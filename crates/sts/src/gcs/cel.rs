//! The little CEL that a boundary condition needs, as types, and the one place that writes it as text.
//!
//! A condition is an `||` of clauses; a clause compares one of two known terms with a literal. No other
//! expression can be built, no name of anything enters but as a [`Literal`], and a literal is escaped when it is
//! written (invariant 3). Grammar: the CEL language definition, `STRING_LIT` with single quotes.

use std::fmt;

use crate::NotExpressible;

/// The longest name that a condition may carry, in bytes: that of an object.
const MAX_NAME_BYTES: usize = 1024;

/// The left side of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// `resource.name`: what is accessed.
    ResourceName,
    /// The `prefix` parameter of a listing; empty when it is no listing or has none.
    ListPrefix,
}

/// How a clause compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// Byte for byte.
    Equals,
    /// The term begins with the literal.
    StartsWith,
}

/// A text that a condition compares with: free of control characters and line separators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal(String);

impl Literal {
    /// Joins a fixed head and a name.
    pub(super) fn new(head: &[&str], name: &str) -> Result<Self, NotExpressible> {
        if name.len() > MAX_NAME_BYTES {
            return Err(NotExpressible::NameTooLong);
        }
        if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(NotExpressible::Character);
        }
        let mut text = head.concat();
        text.push_str(name);
        Ok(Self(text))
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) term: Term,
    pub(super) test: Test,
    pub(super) with: Literal,
}

/// At least one clause, joined by `||`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    first: Clause,
    rest: Vec<Clause>,
}

impl Condition {
    /// The condition that holds when the clause does.
    pub(super) fn of(clause: Clause) -> Self {
        Self { first: clause, rest: Vec::new() }
    }

    /// The condition that also holds when another clause does.
    pub(super) fn or(&mut self, clause: Clause) {
        if self.first != clause && !self.rest.contains(&clause) {
            self.rest.push(clause);
        }
    }

    /// The condition that holds when either does.
    pub(super) fn or_all(&mut self, other: Self) {
        self.or(other.first);
        other.rest.into_iter().for_each(|clause| self.or(clause));
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|clause| {
            f.write_str(" || ")?;
            clause.fmt(f)
        })
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.term {
            Term::ResourceName => "resource.name",
            Term::ListPrefix => "api.getAttribute('storage.googleapis.com/objectListPrefix', '')",
        })?;
        match self.test {
            Test::Equals => {
                f.write_str(" == ")?;
                self.with.fmt(f)
            }
            Test::StartsWith => {
                f.write_str(".startsWith(")?;
                self.with.fmt(f)?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('\'')?;
        for c in self.0.chars() {
            if matches!(c, '\'' | '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('\'')
    }
}

impl serde::Serialize for Condition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str) -> Result<String, NotExpressible> {
        Literal::new(&["objects/"], name).map(|literal| literal.to_string())
    }

    #[test]
    fn in01_quotes_and_backslashes_are_escaped() {
        assert_eq!(written("x') || true || ('").unwrap(), r"'objects/x\') || true || (\''");
        assert_eq!(written(r#"a"b\"#).unwrap(), r#"'objects/a\"b\\'"#);
        assert_eq!(written("größe/数據").unwrap(), "'objects/größe/数據'");
    }

    #[test]
    fn in02_controls_and_line_separators_are_refused() {
        for bad in ["\0", "a\nb", "a\rb", "\u{7f}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(written(bad), Err(NotExpressible::Character), "{bad:?}");
        }
        assert_eq!(written(&"a".repeat(1025)), Err(NotExpressible::NameTooLong));
    }

    #[test]
    fn a_clause_is_not_written_twice() {
        let clause = |name| Clause {
            term: Term::ResourceName,
            test: Test::Equals,
            with: Literal::new(&[], name).unwrap(),
        };
        let mut condition = Condition::of(clause("a"));
        condition.or(clause("a"));
        condition.or_all(Condition::of(clause("b")));
        assert_eq!(condition.to_string(), "resource.name == 'a' || resource.name == 'b'");
    }
}
