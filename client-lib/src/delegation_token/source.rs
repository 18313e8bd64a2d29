//! Where a job's delegation token comes from.

use std::ffi::OsString;
use std::path::PathBuf;

use super::DelegationToken;
use crate::error::ConfigFault;

/// Where the token comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum DelegationTokenSource {
    /// This one, for as long as the client lives.
    Token(DelegationToken),
    /// A file with a url string, or one of Hadoop's token-storage files. It is read again when it changes, so a token can
    /// be replaced while the job runs.
    File(PathBuf),
}

impl DelegationTokenSource {
    /// The variable with the path of a file: a url string or a token-storage file.
    pub const FILE_VARIABLE: &str = "LAKEGATE_DELEGATION_TOKEN_FILE";

    /// The variable with a url string. A file is better: it can be replaced, and is in no crash report.
    pub const TOKEN_VARIABLE: &str = "LAKEGATE_DELEGATION_TOKEN";

    /// The variable with the path of the token-storage file that Hadoop gives its jobs.
    pub const HADOOP_VARIABLE: &str = "HADOOP_TOKEN_FILE_LOCATION";

    /// What the environment of a job says. The library reads no environment itself: hand it
    /// `|name| std::env::var_os(name)`. Hadoop's variable counts when neither of ours is set, and an empty one is not set.
    ///
    /// # Errors
    /// [`ConfigFault::TwoTokens`] when both of ours are set, or [`ConfigFault::DelegationToken`] for a text that is no
    /// token.
    pub fn from_variables(
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Option<Self>, ConfigFault> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        match (set(Self::FILE_VARIABLE), set(Self::TOKEN_VARIABLE)) {
            (Some(_), Some(_)) => Err(ConfigFault::TwoTokens),
            (Some(path), None) => Ok(Some(Self::File(path.into()))),
            (None, Some(text)) => {
                let text = text.into_string().map_err(|_| ConfigFault::DelegationToken)?;
                DelegationToken::parse(text).map(|token| Some(Self::Token(token)))
            }
            (None, None) => Ok(set(Self::HADOOP_VARIABLE).map(|path| Self::File(path.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(set: &[(&str, &str)]) -> Result<Option<DelegationTokenSource>, ConfigFault> {
        DelegationTokenSource::from_variables(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    fn file(set: &[(&str, &str)]) -> Option<String> {
        match found(set) {
            Ok(Some(DelegationTokenSource::File(path))) => path.to_str().map(ToOwned::to_owned),
            _ => None,
        }
    }

    const FILE: &str = "LAKEGATE_DELEGATION_TOKEN_FILE";
    const TOKEN: &str = "LAKEGATE_DELEGATION_TOKEN";
    const HADOOP: &str = "HADOOP_TOKEN_FILE_LOCATION";

    #[test]
    fn a_jobs_environment_names_a_file_a_token_or_hadoops_file() {
        assert!(matches!(found(&[]), Ok(None)));
        assert!(matches!(found(&[(FILE, ""), (TOKEN, ""), (HADOOP, "")]), Ok(None)));
        assert_eq!(file(&[(FILE, "/a")]).as_deref(), Some("/a"));
        assert_eq!(file(&[(HADOOP, "/h")]).as_deref(), Some("/h"));
        assert!(matches!(found(&[(TOKEN, "canary-1")]), Ok(Some(DelegationTokenSource::Token(_)))));
    }

    #[test]
    fn ours_go_before_hadoops_and_two_of_ours_are_an_error() {
        assert_eq!(file(&[(HADOOP, "/h"), (FILE, "/a")]).as_deref(), Some("/a"));
        let token = found(&[(HADOOP, "/h"), (TOKEN, "canary-1")]);
        assert!(matches!(token, Ok(Some(DelegationTokenSource::Token(_)))));
        assert!(matches!(found(&[(FILE, "/a"), (TOKEN, "canary-1")]), Err(ConfigFault::TwoTokens)));
        assert!(matches!(found(&[(TOKEN, "a b")]), Err(ConfigFault::DelegationToken)));
    }

    #[test]
    fn lg01_a_source_prints_without_its_token() {
        let shown = format!("{:?}", found(&[(TOKEN, "canary-1")]).unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }
}
