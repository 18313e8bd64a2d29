//! Groups from a file: a table `[groups]` with the members of each.

use std::collections::{BTreeMap, HashMap};

use lakegate_domain::{GroupName, Principal};
use serde::Deserialize;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    groups: BTreeMap<GroupName, Vec<Principal>>,
}

/// Who is in which group.
#[derive(Debug, Default)]
pub struct FileGroups(HashMap<Principal, Vec<GroupName>>);

impl FileGroups {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it: a name that is none, or a key that is not known.
    pub fn parse(text: &str) -> Result<Self, Box<toml::de::Error>> {
        let document: Document = toml::from_str(text)?;
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
        let file = "[groups]\nanalysts = ['alice', 'spiffe:prod.example/etl']\nops = ['alice']\nempty = []";
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
            "",
            "[group]\na = []",
            "[groups]\na = ['']",
            "[groups]\na = ['*']",
            "[groups]\n'a b' = []",
            "[groups]\na = 'b'",
        ] {
            assert!(FileGroups::parse(bad).is_err(), "{bad}");
        }
    }
}
