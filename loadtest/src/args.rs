//! What can be typed.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use lakegate_loadtest::Pacing;

/// A fixed rate of calls, latency counted from when each call was due.
#[derive(Debug, Parser)]
#[command(name = "lakegate-loadtest", version)]
pub(crate) struct Args {
    /// Calls a second.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) rate: u32,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How long to run before measuring, in seconds.
    #[arg(long, default_value_t = 2)]
    warmup_seconds: u64,
    /// What to call.
    #[arg(long, value_enum, default_value_t = Through::Broker)]
    pub(crate) through: Through,
    /// Connections to each broker; each carries many calls at once.
    #[arg(long, default_value = "4")]
    pub(crate) connections: NonZeroU16,
    /// Threads of the deployment.
    #[arg(long, default_value_t = 1)]
    pub(crate) server_threads: usize,
    /// Start calls on time by keeping a core busy; without it the timer starts them up to a millisecond late.
    #[arg(long)]
    busy: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) brokers: BrokersArgs,
}

/// Brokers that run already; without them a whole deployment is started in this process.
#[derive(Debug, clap::Args)]
pub(crate) struct BrokersArgs {
    /// Their public ports, `https://host:port`, joined by commas; they are called in turn.
    #[arg(long, value_delimiter = ',', requires_all = ["ca", "cert", "key"])]
    pub(crate) endpoints: Vec<String>,
    /// The authority of the brokers' certificates, in PEM.
    #[arg(long, requires = "endpoints")]
    pub(crate) ca: Option<PathBuf>,
    /// The caller's certificate, in PEM.
    #[arg(long, requires = "endpoints")]
    pub(crate) cert: Option<PathBuf>,
    /// Its key, in PEM.
    #[arg(long, requires = "endpoints")]
    pub(crate) key: Option<PathBuf>,
    /// What to ask for.
    #[arg(long, default_value = "gs://lake-sample/warehouse/sales/us/2026-11-01/part-0.csv")]
    pub(crate) path: String,
}

/// What a call goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Through {
    /// `GetAccessToken` on the wire: TLS, authentication, decision, local tier, audit.
    Broker,
    /// The client library, whose own tier answers.
    Client,
}

impl Args {
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn warmup(&self) -> Duration {
        Duration::from_secs(self.warmup_seconds)
    }

    pub(crate) fn pacing(&self) -> Pacing {
        if self.busy { Pacing::Yielding } else { Pacing::Timer }
    }
}
