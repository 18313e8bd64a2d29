//! What a check of a configuration found: everything at once, errors and warnings apart.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use lakegate_policy::Snapshot;

use crate::config::KeyPlaces;
use crate::reload::chain;
use crate::{ConfigError, HostError, files, read_policy};

/// Errors and warnings, each with the place of the key at fault.
#[derive(Debug, Default)]
pub struct Findings {
    places: KeyPlaces,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    /// Nothing found yet, in a configuration whose keys stand at these places.
    pub fn new(places: KeyPlaces) -> Self {
        Self { places, ..Self::default() }
    }

    /// What a check finds in a configuration; when that cannot even be read, why not.
    pub fn of<T>(
        loaded: Result<(T, KeyPlaces), ConfigError>,
        check: impl FnOnce(T, KeyPlaces) -> Self,
    ) -> Self {
        match loaded {
            Ok((config, places)) => check(config, places),
            Err(error) => Self { errors: vec![chain(&error)], ..Self::default() },
        }
    }

    /// A process would not start with this, or not serve.
    pub fn error(&mut self, key: &str, problem: impl Display) {
        self.errors.push(format!("{}: {problem}", self.places.of(key)));
    }

    /// A process would start, but somebody should look at it.
    pub fn warn(&mut self, key: &str, problem: impl Display) {
        self.warnings.push(format!("{}: {problem}", self.places.of(key)));
    }

    /// The value, or else an error with all its causes.
    pub fn take<T, E: std::error::Error + 'static>(&mut self, key: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.error(key, chain(&error))).ok()
    }

    /// A file that the process will write: its folder must be there, and the file, if it is, one that may be written.
    pub fn writable(&mut self, key: &str, file: &Path) {
        self.take(key, files::check_writable(file));
    }

    /// A file with a secret, read.
    pub fn secret(&mut self, key: &str, file: &Path) -> Option<lakegate_domain::Secret> {
        self.take::<_, HostError>(key, files::read_secret_text(file))
    }

    /// A policy file, read and compiled.
    pub fn policy(&mut self, key: &str, file: &Path) -> Option<Arc<Snapshot>> {
        read_policy(file)
            .map_err(|error| self.error(key, format_args!("{}: {}", file.display(), chain(&error))))
            .ok()
    }

    /// The errors.
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// The warnings.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Prints everything to standard output and gives the status of a process that was asked to check: 0 when there
    /// is no error, else 1.
    pub fn report(&self) -> ExitCode {
        let printed = self.print(&mut io::stdout().lock());
        if printed.is_ok() && self.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Prints one line for each, errors first, and then how many there are.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for error in &self.errors {
            writeln!(out, "error: {error}")?;
        }
        for warning in &self.warnings {
            writeln!(out, "warning: {warning}")?;
        }
        writeln!(out, "{} errors, {} warnings", self.errors.len(), self.warnings.len())
    }
}
