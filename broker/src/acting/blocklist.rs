//! Who gets nothing: superusers whose rights must not leave by this door, by no rule and under no alias.

use std::collections::HashSet;

use lakegate_domain::Principal;

use super::PrincipalPattern;

/// Principals that get nothing. Capital and small letters are the same here and only here: a directory or a mapping that
/// folds case must be no way around, and one more that is blocked is the safe side.
#[derive(Debug, Default)]
pub struct Blocklist {
    whole: HashSet<String>,
    around_a_star: Vec<(String, String)>,
}

impl Blocklist {
    /// Joins patterns.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a PrincipalPattern>) -> Self {
        let mut list = Self::default();
        for pattern in patterns {
            let (begins, ends) = pattern.parts();
            let begins = begins.to_ascii_lowercase();
            match ends {
                None => drop(list.whole.insert(begins)),
                Some(ends) => list.around_a_star.push((begins, ends.to_ascii_lowercase())),
            }
        }
        list
    }

    /// Whether a principal gets nothing.
    pub(crate) fn blocks(&self, principal: &Principal) -> bool {
        if self.whole.is_empty() && self.around_a_star.is_empty() {
            return false;
        }
        let name = principal.as_str().to_ascii_lowercase();
        let around = |(begins, ends): &(String, String)| {
            name.strip_prefix(begins.as_str()).is_some_and(|rest| rest.ends_with(ends.as_str()))
        };
        self.whole.contains(&name) || self.around_a_star.iter().any(around)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn px03_a_blocked_name_is_blocked_in_every_case_and_no_other_name_is() {
        let patterns = ["hdfs", "Root", "spiffe:prod.example/kube-system/*", "hdfs@*"];
        let patterns = patterns.map(|text| PrincipalPattern::parse(text).unwrap());
        let list = Blocklist::new(&patterns);
        let blocks = |name: &str| list.blocks(&Principal::parse(name).unwrap());
        for name in ["hdfs", "HDFS", "hDFs", "root", "spiffe:prod.example/kube-system/x", "HDFS@CORP.EXAMPLE"]
        {
            assert!(blocks(name), "{name}");
        }
        for name in ["hdfs2", "xhdfs", "hdf", "spiffe:prod.example/kube", "roots", "alice"] {
            assert!(!blocks(name), "{name}");
        }
        assert!(!Blocklist::default().blocks(&Principal::parse("hdfs").unwrap()));
    }
}
