//! Configuration from a TOML file, the environment and flags, each over the one before.
//!
//! A variable `PREFIX__TLS__KEY` sets `tls.key`: two underscores after the prefix and between keys, so that the
//! variables an orchestrator invents (`PREFIX_SERVICE_HOST`) are not ours. Values of variables and flags are read
//! as TOML (`8443`, `true`, `["a", "b"]`), and as plain text when they are none; text that looks like a number
//! wants TOML quotes. Keys that the wanted type does not know are errors if the type says `deny_unknown_fields`,
//! which every configuration of Lakegate does.
//!
//! This is the one place that reads the environment. Errors name file, line and key, and never repeat a value.

mod key_places;
mod layer;
mod place;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, Deserializer};

pub use self::key_places::KeyPlaces;
use self::layer::Setting;
use self::place::Places;
use crate::ConfigError;

/// The longest configuration file, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Reads a configuration.
///
/// - `file`: TOML; none for defaults, environment and flags alone;
/// - `env_prefix`: such as `LAKEGATE_BROKER`; empty to leave the environment out;
/// - `flags`: dotted key and value, the last of a key wins.
///
/// # Errors
/// [`ConfigError`] with the place of the first thing that is wrong.
pub fn load<T: DeserializeOwned>(
    file: Option<&Path>,
    env_prefix: &str,
    flags: &[(String, String)],
) -> Result<T, ConfigError> {
    load_with_places(file, env_prefix, flags).map(|(config, _)| config)
}

/// As [`load`], and where each key stands, for whoever checks what the keys say.
///
/// # Errors
/// As [`load`].
pub fn load_with_places<T: DeserializeOwned>(
    file: Option<&Path>,
    env_prefix: &str,
    flags: &[(String, String)],
) -> Result<(T, KeyPlaces), ConfigError> {
    load_with(file, layer::from_environment(env_prefix, std::env::vars_os())?, flags)
}

/// Takes apart the arguments `KEY=VALUE` of a command line, as [`load`] wants them.
///
/// # Errors
/// [`ConfigError::Value`] for an argument without a key or without `=`; it names the argument's place, not its text.
pub fn arguments(settings: &[String]) -> Result<Vec<(String, String)>, ConfigError> {
    let pair = |(index, setting): (usize, &String)| match setting.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => {
            let place = format!("argument {} of --set", index + 1);
            Err(ConfigError::Value { place, problem: "not KEY=VALUE".to_owned() })
        }
    };
    settings.iter().enumerate().map(pair).collect()
}

/// Reads a configuration with these settings in place of the environment's.
fn load_with<T: DeserializeOwned>(
    file: Option<&Path>,
    mut settings: Vec<Setting>,
    flags: &[(String, String)],
) -> Result<(T, KeyPlaces), ConfigError> {
    settings.extend(flags.iter().map(|(key, value)| layer::from_flag(key, value)));
    let text = file.map(read).transpose()?.unwrap_or_default();
    let mut places = Places::new(file, &text, &settings);
    let mut root = DeTable::parse(&text).map_err(|error| places.error(&error))?;
    layer::apply(&mut root, &settings, &places)?;
    places.learn(root.get_ref());
    let config = T::deserialize(Deserializer::from(root)).map_err(|error| places.error(&error))?;
    Ok((config, places.keys()))
}

/// Reads `KEY=VALUE`, the form of a flag that lies over the configuration.
///
/// # Errors
/// Without a `=`.
pub fn flag(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("wants KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { file: file.to_owned(), source };
    let mut text = String::new();
    File::open(file).map_err(failed)?.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        let problem = format!("file is longer than {MAX_BYTES} bytes");
        return Err(ConfigError::Value { place: file.display().to_string(), problem });
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
