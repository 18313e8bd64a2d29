//! Logs to standard error, as JSON lines or as text for people.

use std::io::{IsTerminal, stderr};

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::HostError;

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text; coloured on a terminal.
    Text,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// JSON or text.
    pub format: Format,
    /// Levels by target, such as `info,lakegate_broker=debug`.
    pub filter: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { format: Format::default(), filter: "info".to_owned() }
    }
}

/// Starts logging for the whole process; once.
///
/// # Errors
/// [`HostError::LogFilter`] or [`HostError::TelemetryTwice`].
pub fn init(config: &TelemetryConfig) -> Result<(), HostError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|_| HostError::LogFilter)?;
    let logs = tracing_subscriber::fmt().with_writer(stderr).with_env_filter(filter);
    let started = match config.format {
        Format::Json => logs.json().flatten_event(true).finish().try_init(),
        Format::Text => logs.with_ansi(stderr().is_terminal()).finish().try_init(),
    };
    started.map_err(|_| HostError::TelemetryTwice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_starts_once_and_refuses_a_bad_filter() {
        let bad = TelemetryConfig { filter: "lakegate=verbose".to_owned(), ..TelemetryConfig::default() };
        assert!(matches!(init(&bad), Err(HostError::LogFilter)));
        let text = TelemetryConfig { format: Format::Text, ..TelemetryConfig::default() };
        init(&text).unwrap();
        assert!(matches!(init(&text), Err(HostError::TelemetryTwice)));
    }
}
