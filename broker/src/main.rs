//! The broker process: arguments, configuration, hardening, serve, drain.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use lakegate_broker::{App, BrokerConfig, check};
use lakegate_domain::SystemClock;
use lakegate_host::telemetry::{self, TelemetryConfig};
use lakegate_host::{Findings, Hangups, Shutdown, config, harden};

/// Hands out short-lived storage tokens, cut down to what policy allows.
#[derive(Debug, Parser)]
#[command(name = "lakegate-broker", version)]
struct Args {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
    /// A setting on top of file and environment, such as `listen=127.0.0.1:8443`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = config::flag)]
    set: Vec<(String, String)>,
    /// Says everything that is wrong with the configuration and ends, with status 0 when nothing is.
    #[arg(long)]
    check_config: bool,
}

/// How long an ending process waits for threads that read or write files: one may be held by a file system that hangs.
const LAST_FILES: Duration = Duration::from_secs(5);

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(run());
    runtime.shutdown_timeout(LAST_FILES);
    ended
}

async fn run() -> Result<ExitCode> {
    let args = Args::parse();
    telemetry::init(&TelemetryConfig::default())?;
    if let Err(error) = harden::no_core_dumps() {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
    // From here on the signal does not end the process.
    let hangups = Hangups::listen()?;
    let loaded = config::load_with_places::<BrokerConfig>(Some(&args.config), "LAKEGATE_BROKER", &args.set);
    if args.check_config {
        let clock = Arc::new(SystemClock);
        return Ok(Findings::of(loaded, |config, places| check(&config, places, clock)).report());
    }
    let (config, _) = loaded?;
    let app = App::build(config, Arc::new(SystemClock)).await?;
    app.reload_on(hangups);
    tracing::info!(address = %app.address(), admin = %app.admin_address(), "broker serves");
    Shutdown::on_signals()?.wait().await;
    tracing::info!("broker drains");
    if app.drain().await { Ok(ExitCode::SUCCESS) } else { bail!("requests were cut off") }
}
