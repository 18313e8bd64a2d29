//! Settings from outside the file, laid over it.

use std::borrow::Cow;
use std::ffi::OsString;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::place::Places;
use crate::ConfigError;

/// One value from the environment or a flag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// What to call it in errors: the variable or the flag.
    pub(super) name: String,
    /// The keys from the root to the value.
    pub(super) path: Vec<String>,
    /// The value as written.
    pub(super) value: String,
}

/// A flag's setting, by dotted key.
pub(super) fn from_flag(key: &str, value: &str) -> Setting {
    Setting {
        name: format!("flag {key}"),
        path: key.split('.').map(str::to_owned).collect(),
        value: value.to_owned(),
    }
}

/// The settings among the variables of an environment, sorted by name.
pub(super) fn from_environment(
    prefix: &str,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<Setting>, ConfigError> {
    if prefix.is_empty() {
        return Ok(Vec::new());
    }
    let start = format!("{prefix}__");
    let mut settings = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(&start)) else { continue };
        let keys = name.strip_prefix(&start).unwrap_or_default();
        let value = value.into_string().map_err(|_| ConfigError::Value {
            place: name.to_owned(),
            problem: "value is not UTF-8".to_owned(),
        })?;
        let path = keys.split("__").map(str::to_ascii_lowercase).collect();
        settings.push(Setting { name: name.to_owned(), path, value });
    }
    settings.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(settings)
}

/// Lays the settings over a document, in their order.
pub(super) fn apply<'i>(
    root: &mut Spanned<DeTable<'i>>,
    settings: &'i [Setting],
    places: &Places<'_>,
) -> Result<(), ConfigError> {
    for (index, setting) in settings.iter().enumerate() {
        let span = places.span_of(index);
        let wrong =
            |problem: &str| ConfigError::Value { place: setting.name.clone(), problem: problem.to_owned() };
        if setting.path.iter().any(String::is_empty) {
            return Err(wrong("key holds an empty part"));
        }
        let Some((last, tables)) = setting.path.split_last() else { return Err(wrong("key is empty")) };
        let mut table = root.get_mut();
        for key in tables {
            let entry = table
                .entry(Spanned::new(span.clone(), Cow::Borrowed(key.as_str())))
                .or_insert_with(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
            let DeValue::Table(inner) = entry.get_mut() else {
                return Err(wrong("key goes through a value that is no table"));
            };
            table = inner;
        }
        let key = Spanned::new(span.clone(), Cow::Borrowed(last.as_str()));
        table.remove(last.as_str());
        table.insert(key, Spanned::new(span, parse(&setting.value)));
    }
    Ok(())
}

/// A TOML value if the text is one, else the text. Dates stay text: no setting has TOML's date type.
fn parse(text: &str) -> DeValue<'_> {
    match DeValue::parse(text).map(Spanned::into_inner) {
        Ok(DeValue::Datetime(_)) | Err(_) => DeValue::String(Cow::Borrowed(text)),
        Ok(value) => value,
    }
}
