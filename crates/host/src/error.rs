//! What can go wrong in a process before, beside and below its product.
//!
//! Texts name files, lines and keys, which are the operator's own; they never repeat a value.

use std::io;
use std::path::PathBuf;

use lakegate_policy::LoadError;
use thiserror::Error;

/// A configuration that a process does not start with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file, a variable or a flag does not say what it must; `place` is `file:line: key`, a variable or a flag.
    #[error("{place}: {problem}")]
    Value {
        /// Where it stands.
        place: String,
        /// What is wrong.
        problem: String,
    },
}

/// A policy that is not taken into force; the one in force stays.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The source cannot be read.
    #[error("policy file {} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The source is a directory; one file is followed, which a mounted directory may hold.
    #[error("policy source {} is a directory, name a file in it", file.display())]
    Directory {
        /// The directory.
        file: PathBuf,
    },
    /// The source is longer than the cap.
    #[error("policy file is longer than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: u64,
    },
    /// The source is not UTF-8.
    #[error("policy file is not UTF-8")]
    NotUtf8,
    /// The document is wrong; the cause names line or rule.
    #[error("policy document is refused")]
    Document(#[source] LoadError),
    /// This process cannot serve the policy: a storage is not configured, or cannot express what a rule needs.
    #[error("policy does not fit this process: {reason}")]
    Check {
        /// What the check said.
        reason: String,
    },
    /// The version is lower than the one in force.
    #[error("policy version {offered} is lower than version {in_force}, which is in force")]
    LowerVersion {
        /// The version refused.
        offered: u64,
        /// The version kept.
        in_force: u64,
    },
    /// The version is the one in force, the content is not.
    #[error("policy version {version} is in force with other content; a change needs a higher version")]
    VersionReused {
        /// The version of both.
        version: u64,
    },
    /// The thread that read the source ended before its time.
    #[error("reading the policy was interrupted")]
    Interrupted,
}

/// A failure of the machine or of its set-up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// A file cannot be read.
    #[error("file {} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is longer than any such file is.
    #[error("file {} is too long", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A secret lies open.
    #[error("file {} holds a secret and has mode {mode:03o}: {rule}", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they must be.
        rule: &'static str,
    },
    /// A file does not hold what it must.
    #[error("file {} holds no {wanted}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// A file that is to be written cannot be.
    #[error("file {} cannot be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The admin port cannot be opened.
    #[error("admin port {address} cannot be opened")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for")]
    Signals(#[source] io::Error),
    /// The log filter is not in the language of filters.
    #[error("log filter is not valid, expected for instance `info,lakegate_broker=debug`")]
    LogFilter,
    /// Telemetry was initialised before.
    #[error("telemetry is initialised already")]
    TelemetryTwice,
    /// The kernel refused to switch core dumps off.
    #[error("core dumps cannot be switched off")]
    CoreDumps(#[source] io::Error),
}
