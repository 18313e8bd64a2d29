//! What an operator says about revocation.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

/// Whether certificates of an authority can be taken back: the word `none`, or a table that says where its lists are.
#[derive(Debug, Clone)]
pub enum RevocationSettings {
    /// They cannot. Said, never assumed.
    None,
    /// They can, by lists.
    Lists(ListSettings),
}

/// Where an authority's lists are, and how long one is good for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSettings {
    /// Files, in PEM or DER, each with one list or several.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Places on the network, `http` or `https`; lists are signed, so either is as good.
    #[serde(default)]
    pub urls: Vec<Url>,
    /// Seconds for which a list is good beyond its `nextUpdate`.
    #[serde(default = "an_hour")]
    pub grace_seconds: u64,
}

impl ListSettings {
    /// How long a list is good for beyond its `nextUpdate`.
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}

fn an_hour() -> u64 {
    3_600
}

impl<'de> Deserialize<'de> for RevocationSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable)
    }
}

struct WordOrTable;

impl<'de> Visitor<'de> for WordOrTable {
    type Value = RevocationSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"none\" or a table with `files` and `urls`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<RevocationSettings, E> {
        if word == "none" {
            Ok(RevocationSettings::None)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(word), &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<RevocationSettings, A::Error> {
        ListSettings::deserialize(MapAccessDeserializer::new(table)).map(RevocationSettings::Lists)
    }
}
