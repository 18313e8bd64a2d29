//! The generator process: arguments, configuration, hardening, fill, stop.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Parser;
use lakegate_domain::SystemClock;
use lakegate_generator::{App, GeneratorConfig, check};
use lakegate_host::telemetry::{self, TelemetryConfig};
use lakegate_host::{Findings, Hangups, Shutdown, config, harden};

/// Keeps the shared tier full of storage tokens.
#[derive(Debug, Parser)]
#[command(name = "lakegate-generator", version)]
struct Args {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
    /// A setting on top of file and environment, such as `workers=4`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = config::flag)]
    set: Vec<(String, String)>,
    /// Says everything that is wrong with the configuration and ends, with status 0 when nothing is.
    #[arg(long)]
    check_config: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    telemetry::init(&TelemetryConfig::default())?;
    if let Err(error) = harden::no_core_dumps() {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
    // From here on the signal does not end the process.
    let hangups = Hangups::listen()?;
    let prefix = "LAKEGATE_GENERATOR";
    let loaded = config::load_with_places::<GeneratorConfig>(Some(&args.config), prefix, &args.set);
    if args.check_config {
        let clock = Arc::new(SystemClock);
        return Ok(Findings::of(loaded, |config, places| check(&config, places, clock)).report());
    }
    let (config, _) = loaded?;
    let app = App::build(config, Arc::new(SystemClock)).await?;
    app.reload_on(hangups);
    tracing::info!(admin = %app.admin_address(), "generator fills");
    Shutdown::on_signals()?.wait().await;
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}
