//! Where Google's services are: a universe, and perhaps a region of the token service.
//!
//! Hosts are put together here from parts with a grammar of their own, never from free text. `sts.UNIVERSE`,
//! `iamcredentials.UNIVERSE` and `storage.UNIVERSE` are how Google's libraries spell the services of a universe.
//! `sts.REGION.rep.UNIVERSE` is Google's general scheme for regional endpoints; that the token service follows it is
//! *unconfirmed*: nothing that was read says so. Other spellings go into `sts_url` with `extra_hosts`.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::{ConfigError, EndpointProblem};

/// The domain of Google's own cloud.
const GOOGLE: &str = "googleapis.com";

/// A Google cloud: `googleapis.com`, or the domain of a sovereign one.
///
/// - a host name of two or more labels in lower case, without a final dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniverseDomain(String);

/// A region, such as `europe-west1`.
///
/// - lower-case letters and digits in two or more words joined by `-`, 4 to 40 characters, a letter first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

impl UniverseDomain {
    /// Reads a domain; none when it breaks the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        let labels: Vec<&str> = text.split('.').collect();
        let is_label = |label: &&str| (1..=63).contains(&label.len()) && is_word(label, '-');
        let is_name = text.len() <= 200 && labels.len() >= 2 && labels.iter().all(is_label);
        // The last label of a name is never a number; that of an address is.
        let is_address = labels.last().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
        (is_name && !is_address).then(|| Self(text.to_owned()))
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A service of the universe: its host.
    pub(super) fn host(&self, service: &str) -> String {
        [service, ".", &self.0].concat()
    }

    /// The token service of a region of the universe: its host.
    pub(super) fn regional_sts(&self, region: &Region) -> String {
        ["sts.", &region.0, ".rep.", &self.0].concat()
    }
}

impl Default for UniverseDomain {
    fn default() -> Self {
        Self(GOOGLE.to_owned())
    }
}

impl Region {
    /// Reads a region; none when it breaks the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        let is_region = (4..=40).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.split('-').count() >= 2
            && is_word(text, '-');
        is_region.then(|| Self(text.to_owned()))
    }
}

/// Lower-case letters and digits, with single joints between.
fn is_word(text: &str, joint: char) -> bool {
    text.split(joint).all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// `https` at a host that was put together here.
pub(super) fn https(name: &'static str, host: &str, path: &str) -> Result<Url, ConfigError> {
    let invalid = |_| ConfigError::Endpoint { name, problem: EndpointProblem::Host };
    Url::parse(&["https://", host, path].concat()).map_err(invalid)
}

impl fmt::Display for UniverseDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UniverseDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a domain such as googleapis.com"))
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a region such as europe-west1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn st14_regions_and_universes_cannot_spell_another_host() {
        for good in ["europe-west1", "me-central2", "northamerica-northeast1", "us-east4"] {
            assert!(Region::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "eu",
            "europe",
            "Europe-west1",
            "europe-west1.evil.example",
            "europe_west1",
            "-west1",
            "a--b",
        ] {
            assert_eq!(Region::parse(bad), None, "{bad}");
        }
        for good in ["googleapis.com", "apis-s3ns.fr", "apis.example.de"] {
            assert!(UniverseDomain::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", "com", "googleapis.com.", ".com", "a..b", "Evil.com", "evil.com/x", "u@evil.com", "10.0.0.1"]
        {
            assert_eq!(UniverseDomain::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn hosts_are_spelled_as_google_spells_them() {
        let (google, region) = (UniverseDomain::default(), Region::parse("europe-west1").unwrap());
        assert_eq!(google.host("sts"), "sts.googleapis.com");
        assert_eq!(google.regional_sts(&region), "sts.europe-west1.rep.googleapis.com");
        let url = https("sts_url", &google.regional_sts(&region), "/v1/token").unwrap();
        assert_eq!(url.as_str(), "https://sts.europe-west1.rep.googleapis.com/v1/token");
    }
}
