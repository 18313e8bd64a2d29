//! Groups from a file: a table `[groups]` with the members of each.
//!
//! Its last line is an empty table `[end]`. Without it a file that was cut off would be a good one, and those whom it lost
//! would have left the groups by which somebody is denied something.

use std::collections::{BTreeMap, HashMap};

use lakegate_domain::{GroupName, Principal};
use serde::Deserialize;
use thiserror::Error;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    groups: BTreeMap<GroupName, Vec<Principal>>,
    end: Option<End>,
}

/// Nothing stands below the last line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {}

/// Why a file of groups is refused.
#[derive(Debug, Error)]
pub enum GroupsError {
    /// It is no TOML of this form.
    #[error("groups do not parse")]
    Syntax(#[source] Box<toml::de::Error>),
    /// It may be cut off.
    #[error("the last line is not [end]: the file may be cut off; write that line behind all groups")]
    NoEnd,
}

/// Who is in which group.
#[derive(Debug, Default)]
pub struct FileGroups(HashMap<Principal, Vec<GroupName>>);

impl FileGroups {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it: a name that is none, a key that is not known, or no end.
    pub fn parse(text: &str) -> Result<Self, GroupsError> {
        let document: Document =
            toml::from_str(text).map_err(|error| GroupsError::Syntax(Box::new(error)))?;
        if document.end.is_none() || !text.trim_end().ends_with("\n[end]") {
            return Err(GroupsError::NoEnd);
        }
        let mut groups: HashMap<_, Vec<_>> = HashMap::new();
        for (group, members) in document.groups {
            for member in members {
                groups.entry(member).or_default().push(group.clone());
            }
        }
        Ok(Self(groups))
    }

    /// The groups of a principal.
    pub(super) fn of(&self, principal: &Principal) -> &[GroupName] {
        self.0.get(principal).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_who_is_in_which_group() {
        let file =
            "[groups]\nanalysts = ['alice', 'spiffe:prod.example/etl']\nops = ['alice']\nempty = []\n[end]\n";
        let groups = FileGroups::parse(file).unwrap();
        let of = |name: &str| {
            let found = groups.of(&Principal::parse(name).unwrap());
            found.iter().map(GroupName::as_str).collect::<Vec<_>>().join(",")
        };
        assert_eq!(of("alice"), "analysts,ops");
        assert_eq!(of("spiffe:prod.example/etl"), "analysts");
        assert_eq!(of("Alice"), "", "case counts");
        assert_eq!(of("bob"), "");
    }

    #[test]
    fn px04_what_is_no_name_or_no_key_is_refused() {
        for bad in [
            "[group]\na = []",
            "[groups]\na = ['']",
            "[groups]\na = ['*']",
            "[groups]\n'a b' = []",
            "[groups]\na = 'b'",
            "[groups]\na = []\n[more]",
        ] {
            let whole = [bad, "\n[end]\n"].concat();
            assert!(matches!(FileGroups::parse(&whole), Err(GroupsError::Syntax(_))), "{bad}");
        }
    }

    #[test]
    fn px07_a_file_that_is_cut_off_anywhere_is_refused() {
        let whole = "[groups]\ndenied = [\n  'alice',\n  'bob',\n]\nops = ['alice']\n[end]";
        FileGroups::parse(whole).unwrap();
        FileGroups::parse(&[whole, "\n\n"].concat()).unwrap();
        for length in 0..whole.len() {
            FileGroups::parse(&whole[..length]).unwrap_err();
        }
        for early in [
            "[end]\n[groups]\nops = []",
            "end = {}\n[groups]\nops = ['a']\n#\n[end]",
            "[end]\n[groups]\n#\n#[end]",
        ] {
            FileGroups::parse(early).unwrap_err();
        }
        let error = FileGroups::parse("[groups]\nops = ['alice']\n").unwrap_err();
        assert!(error.to_string().contains("write that line"), "{error}");
    }
}
