//! From the names that certificates and requests use to principals.
//!
//! A name is looked up among the exact ones, then among the prefixes, the longest first; then Hadoop's `auth_to_local`
//! rules are asked, if there are any; and what nobody knows is refused or taken as it is, whichever is configured. The
//! first to know a name decides, and what it made is not mapped again.
//!
//! What is mapped comes from outside: certificates, `on_behalf_of`, the renewer of a delegation token. What operators
//! write (policy, groups, proxy rules, the blocklist) and what stands in a delegation token are principals already.

mod auth_to_local;
mod java_pattern;
mod kerberos;
mod replacement;

use std::collections::BTreeMap;

use lakegate_domain::Principal;
use serde::Deserialize;
use thiserror::Error;

use self::auth_to_local::AuthToLocal;
pub use self::auth_to_local::Mechanism;
pub use self::java_pattern::PatternFault;

/// The longest name that is mapped, in bytes.
const LONGEST: usize = 512;

/// How names become principals. Without any of it a name is a principal as it stands, or none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingSettings {
    /// Whole names.
    #[serde(default)]
    pub exact: BTreeMap<String, Principal>,
    /// How names begin, and what stands there instead; the rest of the name stays.
    #[serde(default)]
    pub prefix: BTreeMap<String, String>,
    /// Hadoop's rules, as in `hadoop.security.auth_to_local`, for names without a colon.
    #[serde(default)]
    pub auth_to_local: Option<String>,
    /// The realm that `DEFAULT` of these rules is about.
    #[serde(default)]
    pub default_realm: Option<String>,
    /// What becomes of names for which there is no such rule, as in `hadoop.security.auth_to_local.mechanism`.
    #[serde(default)]
    pub mechanism: Mechanism,
    /// What becomes of names that nothing else here knows.
    #[serde(default)]
    pub unmatched: Unmatched,
    /// Whether `prefix` and `auth_to_local` may stand beside several profiles that make callers: what they make of the
    /// names of two profiles may be one name.
    #[serde(default)]
    pub across_profiles: bool,
}

/// What becomes of a name that nothing knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmatched {
    /// It is a principal as it stands, or none.
    #[default]
    AsIs,
    /// It is nobody.
    Refuse,
}

/// What is wrong with the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MappingError {
    /// A name or prefix that no name could be or begin with.
    #[error("a name or prefix is not 1 to 512 characters of printable ASCII")]
    Name,
    /// There are no rules in the text.
    #[error("auth_to_local holds no rule")]
    NoRules,
    /// The rules are longer than anybody's.
    #[error("auth_to_local is longer than 64 KiB")]
    TooLong,
    /// A rule breaks the grammar.
    #[error("rule {rule} of auth_to_local is not DEFAULT or RULE:[n:format](pattern)s/from/to/")]
    Grammar {
        /// Which one, from 1.
        rule: usize,
    },
    /// A rule for names of no or of more than two components never applies.
    #[error("rule {rule} of auth_to_local is for names of a number of components that is not 1 or 2")]
    Components {
        /// Which one, from 1.
        rule: usize,
    },
    /// A format names a component that its names do not have.
    #[error("rule {rule} of auth_to_local: the format holds a $ without the number of a component")]
    Format {
        /// Which one, from 1.
        rule: usize,
    },
    /// A pattern that would not mean here what it means to Hadoop.
    #[error("rule {rule} of auth_to_local: {fault}")]
    Pattern {
        /// Which one, from 1.
        rule: usize,
        /// Why not.
        fault: PatternFault,
    },
    /// A replacement names a group that the pattern does not have.
    #[error("rule {rule} of auth_to_local: the replacement ends in \\ or holds a $ without a group's number")]
    Replacement {
        /// Which one, from 1.
        rule: usize,
    },
    /// Names that profiles keep apart could become one.
    #[error(
        "prefix and auth_to_local could make one principal of names that several profiles keep apart: list whole names \
         in exact, or write across_profiles = true"
    )]
    AcrossProfiles,
    /// `DEFAULT` means nothing without a realm.
    #[error("auth_to_local says DEFAULT, and there is no default_realm")]
    NoDefaultRealm,
}

/// A name that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotMapped {
    /// It is empty, too long, or holds what is not printable ASCII.
    #[error("name is not 1 to 512 characters of printable ASCII")]
    Form,
    /// No rule is for it.
    #[error("no rule maps the name")]
    NoRule,
    /// What became of it is no principal.
    #[error("name is mapped to what is no principal")]
    NoPrincipal,
}

/// How names become principals.
#[derive(Debug, Default)]
pub struct Mapping {
    exact: BTreeMap<String, Principal>,
    prefix: BTreeMap<String, String>,
    auth_to_local: Option<AuthToLocal>,
    unmatched: Unmatched,
    across_profiles: bool,
}

impl Mapping {
    /// Checks the settings.
    ///
    /// # Errors
    /// What is wrong with them; a rule that would not mean here what it means to Hadoop is.
    pub fn new(settings: &MappingSettings) -> Result<Self, MappingError> {
        if !settings.exact.keys().chain(settings.prefix.keys()).all(|name| is_name(name)) {
            return Err(MappingError::Name);
        }
        let realm = settings.default_realm.as_deref();
        let rules = settings.auth_to_local.as_deref();
        Ok(Self {
            exact: settings.exact.clone(),
            prefix: settings.prefix.clone(),
            auth_to_local: rules
                .map(|rules| AuthToLocal::parse(rules, realm, settings.mechanism))
                .transpose()?,
            unmatched: settings.unmatched,
            across_profiles: settings.across_profiles,
        })
    }

    /// Refuses patterns beside so many profiles that make callers, unless an operator wants both.
    ///
    /// # Errors
    /// [`MappingError::AcrossProfiles`].
    pub fn check_beside(&self, profiles: usize) -> Result<(), MappingError> {
        let has_patterns = !self.prefix.is_empty() || self.auth_to_local.is_some();
        if profiles > 1 && has_patterns && !self.across_profiles {
            return Err(MappingError::AcrossProfiles);
        }
        Ok(())
    }

    /// Whether a whole name is listed by itself.
    pub(crate) fn lists(&self, name: &str) -> bool {
        self.exact.contains_key(name)
    }

    /// The principal that a name stands for.
    ///
    /// # Errors
    /// When it is nobody's.
    pub fn apply(&self, name: &str) -> Result<Principal, NotMapped> {
        if !is_name(name) {
            return Err(NotMapped::Form);
        }
        if let Some(principal) = self.exact.get(name) {
            return Ok(principal.clone());
        }
        if let Some((begins, to)) = self.longest_prefix(name) {
            let rest = name.strip_prefix(begins).unwrap_or_default();
            return principal(&[to, rest].concat());
        }
        match &self.auth_to_local {
            // What has a kind is no name of Kerberos: `spiffe:prod/etl` is not the service of a host.
            Some(rules) if !name.contains(':') => principal(&rules.apply(name)?),
            _ if self.unmatched == Unmatched::AsIs => principal(name),
            _ => Err(NotMapped::NoRule),
        }
    }

    fn longest_prefix(&self, name: &str) -> Option<(&str, &str)> {
        let fits = self.prefix.iter().filter(|(begins, _)| name.starts_with(begins.as_str()));
        fits.max_by_key(|(begins, _)| begins.len()).map(|(begins, to)| (begins.as_str(), to.as_str()))
    }
}

fn principal(text: &str) -> Result<Principal, NotMapped> {
    Principal::parse(text).map_err(|_| NotMapped::NoPrincipal)
}

/// Whether a text can be mapped at all. ASCII alone is why our patterns and Java's agree on letters and digits.
fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests;
