//! Hadoop's `auth_to_local`: rules that make short names of Kerberos names (`KerberosName` of hadoop-auth).
//!
//! `RULE:[n:format](pattern)s/from/to/g/L` is for names of n components: the format, with `$0` the realm, `$1` the
//! service and `$2` the host in it, must match the whole pattern, if there is one; then `from` becomes `to`, once or
//! everywhere; `L` makes it lower case. `DEFAULT` is for names of the default realm. The first rule that has a result
//! wins. One thing differs: a rule with `$0` is not for names without a realm, for which Java would write `null`.

use regex::bytes::Regex;
use serde::Deserialize;

use super::java_pattern::{self, Covers};
use super::kerberos::KerberosName;
use super::replacement::{Matches, Substitution};
use super::{MappingError, NotMapped};

/// The longest text of rules, in bytes.
const LONGEST: usize = 64 << 10;

/// One rule, as Hadoop's own parser reads it.
const GRAMMAR: &str =
    r"^(?-u:\s*)((DEFAULT)|(RULE:\[([0-9]*):([^\]]*)](\(([^)]*)\))?(s/([^/]*)/([^/]*)/(g)?)?))/?(L)?";

/// What becomes of names for which there is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// They are refused, and so are results with a `/` or an `@`.
    #[default]
    Hadoop,
    /// They stay as they are.
    Mit,
}

/// All rules, in order.
#[derive(Debug)]
pub(super) struct AuthToLocal {
    rules: Vec<Rule>,
    default_realm: Option<String>,
    mechanism: Mechanism,
}

#[derive(Debug)]
enum Rule {
    Default,
    Pattern(Box<PatternRule>),
}

#[derive(Debug)]
struct PatternRule {
    components: usize,
    format: Vec<Piece>,
    pattern: Option<Regex>,
    substitution: Option<Substitution>,
    letters: Letters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letters {
    AsTheyAre,
    Lower,
}

/// A piece of a format.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Component(usize),
}

impl AuthToLocal {
    /// Reads rules.
    ///
    /// # Errors
    /// The first rule that is wrong, or would not mean here what it means to Hadoop.
    pub(super) fn parse(
        text: &str,
        default_realm: Option<&str>,
        mechanism: Mechanism,
    ) -> Result<Self, MappingError> {
        if text.len() > LONGEST {
            return Err(MappingError::TooLong);
        }
        let grammar = regex::Regex::new(GRAMMAR).map_err(|_| MappingError::Grammar { rule: 0 })?;
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let number = rules.len() + 1;
            let fields = grammar.captures(rest).ok_or(MappingError::Grammar { rule: number })?;
            let field = |group| fields.get(group).map(|field: regex::Match<'_>| field.as_str());
            rules.push(match field(2) {
                Some(_) => Rule::Default,
                None => Rule::Pattern(Box::new(PatternRule::of(number, field)?)),
            });
            rest = rest.get(fields.get(0).map_or(0, |rule| rule.end())..).unwrap_or_default();
        }
        if rules.is_empty() {
            return Err(MappingError::NoRules);
        }
        if default_realm.is_none() && rules.iter().any(|rule| matches!(rule, Rule::Default)) {
            return Err(MappingError::NoDefaultRealm);
        }
        Ok(Self { rules, default_realm: default_realm.map(str::to_owned), mechanism })
    }

    /// The short name of a name.
    ///
    /// # Errors
    /// When it is malformed, no rule is for it, or the result is no short name.
    pub(super) fn apply(&self, text: &str) -> Result<String, NotMapped> {
        let name = KerberosName::parse(text)?;
        if name.host.is_none() && name.realm.is_none() {
            return Ok(name.service.to_owned());
        }
        for rule in &self.rules {
            let (result, letters) = match rule {
                Rule::Default if name.realm == self.default_realm.as_deref() => {
                    (name.service.to_owned(), Letters::AsTheyAre)
                }
                Rule::Default => continue,
                Rule::Pattern(rule) => match rule.apply(name) {
                    Some(result) => (result, rule.letters),
                    None => continue,
                },
            };
            if self.mechanism == Mechanism::Hadoop && result.contains(['/', '@']) {
                return Err(NotMapped::NoRule);
            }
            return Ok(match letters {
                Letters::AsTheyAre => result,
                Letters::Lower => result.to_ascii_lowercase(),
            });
        }
        match self.mechanism {
            Mechanism::Hadoop => Err(NotMapped::NoRule),
            Mechanism::Mit => Ok(text.to_owned()),
        }
    }
}

impl PatternRule {
    /// Reads the fields of a rule, numbered as in [`GRAMMAR`].
    fn of<'t>(number: usize, field: impl Fn(usize) -> Option<&'t str>) -> Result<Self, MappingError> {
        let components = match field(4) {
            Some("1") => 1,
            Some("2") => 2,
            _ => return Err(MappingError::Components { rule: number }),
        };
        let compile = |pattern, covers| {
            java_pattern::compile(pattern, covers)
                .map_err(|fault| MappingError::Pattern { rule: number, fault })
        };
        let format = format(field(5).unwrap_or_default(), components);
        let substitution = match (field(9), field(10)) {
            (Some(from), Some(to)) => {
                let matches = if field(11).is_some() { Matches::All } else { Matches::First };
                let substitution = Substitution::new(compile(from, Covers::Part)?, to, matches);
                Some(substitution.ok_or(MappingError::Replacement { rule: number })?)
            }
            _ => None,
        };
        Ok(Self {
            components,
            format: format.ok_or(MappingError::Format { rule: number })?,
            pattern: field(7).map(|pattern| compile(pattern, Covers::Whole)).transpose()?,
            substitution,
            letters: if field(12).is_some() { Letters::Lower } else { Letters::AsTheyAre },
        })
    }

    /// What the rule makes of a name; none when it is not for it.
    fn apply(&self, name: KerberosName<'_>) -> Option<String> {
        if name.components() != self.components {
            return None;
        }
        let mut base = String::new();
        for piece in &self.format {
            base.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Component(number) => name.part(*number)?,
            });
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(base.as_bytes())) {
            return None;
        }
        match &self.substitution {
            None => Some(base),
            Some(substitution) => String::from_utf8(substitution.apply(base.as_bytes())).ok(),
        }
    }
}

/// Reads a format for names of so many components; none when it names one that they do not have.
fn format(text: &str, components: usize) -> Option<Vec<Piece>> {
    let mut parts = text.split('$');
    let mut pieces = vec![Piece::Text(parts.next()?.to_owned())];
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at_checked(digits)?;
        let number = number.parse().ok().filter(|number| *number <= components)?;
        pieces.extend([Piece::Component(number), Piece::Text(rest.to_owned())]);
    }
    Some(pieces)
}

#[cfg(test)]
mod tests;
