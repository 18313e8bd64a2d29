//! Where in the configuration something stands, for errors.
//!
//! TOML's reader marks every key and value with its range of bytes in the file. Settings from outside get ranges
//! beyond the file's end, so one look-up finds the place of either.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::KeyPlaces;
use super::layer::Setting;
use crate::ConfigError;

/// The places of everything in a configuration.
pub(super) struct Places<'a> {
    file: Option<&'a Path>,
    text: &'a str,
    settings: &'a [Setting],
    known: Vec<(Range<usize>, String)>,
}

impl<'a> Places<'a> {
    /// Knows the layers, and no key yet.
    pub(super) fn new(file: Option<&'a Path>, text: &'a str, settings: &'a [Setting]) -> Self {
        Self { file, text, settings, known: Vec::new() }
    }

    /// The range that stands for a setting: one byte, beyond the text and its end.
    pub(super) fn span_of(&self, setting: usize) -> Range<usize> {
        let start = self.text.len() + 1 + setting;
        start..start + 1
    }

    /// Remembers the range of every key and value.
    pub(super) fn learn(&mut self, table: &DeTable<'_>) {
        self.learn_table(table, "");
    }

    fn learn_table(&mut self, table: &DeTable<'_>, above: &str) {
        for (key, value) in table {
            let path = if above.is_empty() { key.to_string() } else { format!("{above}.{key}") };
            self.known.push((key.span(), path.clone()));
            self.learn_value(value.get_ref(), value.span(), path);
        }
    }

    fn learn_value(&mut self, value: &DeValue<'_>, span: Range<usize>, path: String) {
        match value {
            DeValue::Table(inner) => self.learn_table(inner, &path),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.learn_value(item.get_ref(), item.span(), format!("{path}[{index}]"));
                }
            }
            _ => {}
        }
        self.known.push((span, path));
    }

    /// The reader's error, with its place and without any value.
    pub(super) fn error(&self, error: &toml::de::Error) -> ConfigError {
        let place = error.span().map_or_else(|| self.layers(), |span| self.place(&span));
        ConfigError::Value { place, problem: without_value(error.message()) }
    }

    fn place(&self, span: &Range<usize>) -> String {
        if let Some(setting) = span.start.checked_sub(self.text.len() + 1).and_then(|n| self.settings.get(n))
        {
            return setting.name.clone();
        }
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let holds = |range: &Range<usize>| range.start <= span.start && span.end <= range.end;
        let innermost =
            self.known.iter().filter(|(range, _)| holds(range)).min_by_key(|(range, _)| range.len());
        match (self.file, innermost) {
            (Some(file), Some((_, path))) => format!("{}:{line}: {path}", file.display()),
            (Some(file), None) => format!("{}:{line}", file.display()),
            (None, _) => self.layers(),
        }
    }

    /// The place of each key that was written somewhere.
    pub(super) fn keys(&self) -> KeyPlaces {
        let mut keys = HashMap::new();
        for (span, path) in &self.known {
            // The key comes before its value, and of two places the first is meant.
            keys.entry(path.clone()).or_insert_with(|| self.line(span));
        }
        KeyPlaces::new(self.layers(), keys)
    }

    /// `file:line`, a variable or a flag.
    fn line(&self, span: &Range<usize>) -> String {
        if let Some(setting) = span.start.checked_sub(self.text.len() + 1).and_then(|n| self.settings.get(n))
        {
            return setting.name.clone();
        }
        let before = self.text.get(..span.start).unwrap_or(self.text);
        format!("{}:{}", self.layers(), before.matches('\n').count() + 1)
    }

    /// The whole configuration, when nothing smaller is at fault.
    fn layers(&self) -> String {
        self.file.map_or_else(|| "configuration".to_owned(), |file| file.display().to_string())
    }
}

/// Cuts the value out of serde's `invalid type: string "hunter2", expected u16`.
fn without_value(message: &str) -> String {
    let holds_value = ["invalid type: ", "invalid value: ", "invalid length "];
    match message.rsplit_once(", expected ") {
        Some((start, wanted)) if holds_value.iter().any(|words| start.starts_with(words)) => {
            format!("wrong type or value, expected {wanted}")
        }
        _ => message.to_owned(),
    }
}
