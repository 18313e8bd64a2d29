//! Whom a rule concerns.

use std::fmt;

use lakegate_domain::{GroupName, Principal, ProjectName};

/// A principal, a group, a project or everyone. Written `principal:alice`, `group:analysts`,
/// `project:growth`, `everyone`: the kind is always named, so a user `x` is never a group `x`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One principal.
    Principal(Principal),
    /// All members of a group, direct or through other groups.
    Group(GroupName),
    /// All members of a project.
    Project(ProjectName),
    /// Every authenticated caller; only in a rule that says `allow_everyone: true`.
    Everyone,
}

impl Subject {
    /// Reads the text form.
    ///
    /// # Errors
    /// A fixed text that names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "everyone" {
            return Ok(Self::Everyone);
        }
        let (kind, name) = text
            .split_once(':')
            .ok_or("subject must be principal:NAME, group:NAME, project:NAME or everyone")?;
        match kind {
            "principal" => Principal::parse(name).map(Self::Principal).map_err(|e| e.to_string()),
            "group" => GroupName::parse(name).map(Self::Group).map_err(|e| e.to_string()),
            "project" => ProjectName::parse(name).map(Self::Project).map_err(|e| e.to_string()),
            _ => Err("subject kind is not one of principal, group, project".to_owned()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(name) => write!(f, "principal:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Project(name) => write!(f, "project:{name}"),
            Self::Everyone => f.write_str("everyone"),
        }
    }
}

impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
