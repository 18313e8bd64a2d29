//! Which principals an operator means: one by its whole name, or all that begin and end in some way.

use std::fmt;

use lakegate_domain::Principal;
use serde::{Deserialize, Deserializer, de};

/// A principal's name, or one with a single `*` for whatever stands there: `spiffe:prod.example/*`, `*@corp.example`.
///
/// A lone `*` is none: everybody is never meant in passing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PrincipalPattern(Form);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    One(Principal),
    Many { begins: String, ends: String },
}

impl PrincipalPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A fixed text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some((begins, ends)) = text.split_once('*') else {
            let one = Principal::parse(text).map_err(|_| "not a principal")?;
            return Ok(Self(Form::One(one)));
        };
        let of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-:/".contains(&byte);
        if begins.is_empty() && ends.is_empty() {
            return Err("a lone * is everybody");
        }
        if !begins.bytes().chain(ends.bytes()).all(of_names) {
            return Err("not the beginning and end of principals around one *");
        }
        Ok(Self(Form::Many { begins: begins.to_owned(), ends: ends.to_owned() }))
    }

    /// Whether it means a principal, byte for byte.
    pub fn means(&self, principal: &Principal) -> bool {
        match &self.0 {
            Form::One(one) => one == principal,
            Form::Many { begins, ends } => {
                let rest = principal.as_str().strip_prefix(begins.as_str());
                rest.is_some_and(|rest| rest.ends_with(ends.as_str()))
            }
        }
    }

    /// The whole name, or what stands before and behind the star.
    pub(super) fn parts(&self) -> (&str, Option<&str>) {
        match &self.0 {
            Form::One(one) => (one.as_str(), None),
            Form::Many { begins, ends } => (begins, Some(ends)),
        }
    }
}

impl fmt::Debug for PrincipalPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::One(one) => write!(f, "{one}"),
            Form::Many { begins, ends } => write!(f, "{begins}*{ends}"),
        }
    }
}

impl<'de> Deserialize<'de> for PrincipalPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(pattern: &str, name: &str) -> bool {
        PrincipalPattern::parse(pattern).unwrap().means(&Principal::parse(name).unwrap())
    }

    #[test]
    fn one_star_stands_for_anything_between_a_beginning_and_an_end() {
        assert!(means("alice", "alice"));
        assert!(!means("alice", "alice2"));
        assert!(means("spiffe:prod.example/*", "spiffe:prod.example/ns/x"));
        assert!(!means("spiffe:prod.example/*", "spiffe:prod.example.evil/x"));
        assert!(means("*@corp.example", "alice@corp.example"));
        assert!(means("a*z", "az"));
        assert!(!means("ab*ba", "aba"), "the ends do not overlap");
    }

    #[test]
    fn px02_px04_everybody_nobody_and_nonsense_are_no_patterns() {
        for bad in ["", "*", "**", "a*b*c", "a b*", "a b", "\u{202e}*"] {
            assert!(PrincipalPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
