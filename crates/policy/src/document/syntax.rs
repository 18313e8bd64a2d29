//! Text to document, and where in the document a text goes wrong.
//!
//! The parsers say line and column. The key is looked for only when one has failed, by reading once more with an
//! eye on the path, so that a good document of a million rules pays nothing.

use serde::Deserialize;

use super::{PolicyDocument, yaml_options};
use crate::LoadError;

pub(super) fn from_yaml(text: &str) -> Result<PolicyDocument, LoadError> {
    serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| {
        let mut key = None;
        let again =
            serde_saphyr::with_deserializer_from_str_with_options(text, yaml_options(), |deserializer| {
                tracked::<PolicyDocument, _>(deserializer, &mut key)
            });
        refused(key.filter(|_| again.is_err()), &error)
    })
}

pub(super) fn from_json(text: &str) -> Result<PolicyDocument, LoadError> {
    serde_json::from_str(text).map_err(|error| {
        let mut key = None;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let again = tracked::<PolicyDocument, _>(&mut deserializer, &mut key);
        refused(key.filter(|_| again.is_err()), &error)
    })
}

/// Deserializes and, on an error, keeps the key at which it was met.
fn tracked<'de, T, D>(deserializer: D, key: &mut Option<String>) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        *key = Some(error.path().to_string());
        error.into_inner()
    })
}

fn refused(key: Option<String>, error: &dyn std::error::Error) -> LoadError {
    LoadError::Syntax(match key {
        // A lone dot is the document itself.
        Some(key) if key != "." => [&key, ": ", &error.to_string()].concat(),
        _ => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "version: 1
storages: [{id: lake, dialect: gcs, buckets: [lake]}]
rules:
  - id: first
    effect: allow
    on: {prefix: gs://lake/d/}
    to: [principal:alice]
    operations: [read]
  - id: second
    effect: permit
    on: {prefix: gs://lake/d/}
    to: [principal:alice]
    operations: [read]
";

    fn said(document: Result<PolicyDocument, LoadError>) -> String {
        document.unwrap_err().to_string()
    }

    #[test]
    fn ps02_a_wrong_value_is_named_by_key_and_line_in_yaml_and_json() {
        let yaml = said(from_yaml(YAML));
        assert!(yaml.contains("rules[1].effect: ") && yaml.contains("line 10"), "{yaml}");
        let good = PolicyDocument::from_yaml(&YAML.replace("permit", "deny")).unwrap();
        let json = serde_json::to_string_pretty(&good).unwrap();
        let line = json.lines().position(|line| line.contains("\"deny\"")).unwrap() + 1;
        let bad = said(from_json(&json.replace("\"deny\"", "\"permit\"")));
        assert!(bad.contains("rules[1].effect: ") && bad.contains(&format!("line {line} ")), "{bad}");
    }

    #[test]
    fn ps02_an_unknown_key_and_a_text_cut_short_are_named_by_line() {
        let unknown = said(from_yaml(&YAML.replace("permit", "deny").replace("    to:", "    too:")));
        assert!(
            unknown.contains("rules[0]") && unknown.contains("too") && unknown.contains("line 7"),
            "{unknown}"
        );
        let cut = said(from_json("{\n\"version\": 1,\n\"storages\": [{\"id\": "));
        assert!(cut.contains("storages[0].id") && cut.contains("line 3"), "{cut}");
        assert!(said(from_json("[")).contains("line 1"));
    }
}
