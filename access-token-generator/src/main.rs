//! The generator process: arguments, configuration, hardening, fill, stop.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Parser;
use lakegate_domain::SystemClock;
use lakegate_generator::{App, GeneratorConfig};
use lakegate_host::telemetry::{self, TelemetryConfig};
use lakegate_host::{Hangups, Shutdown, config, harden};

/// Keeps the shared tier full of storage tokens.
#[derive(Debug, Parser)]
#[command(name = "lakegate-generator", version)]
struct Args {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
    /// A setting on top of file and environment, such as `workers=4`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    telemetry::init(&TelemetryConfig::default())?;
    if let Err(error) = harden::no_core_dumps() {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
    // From here on the signal does not end the process.
    let hangups = Hangups::listen()?;
    let mut flags = Vec::new();
    for setting in &args.set {
        let Some((key, value)) = setting.split_once('=') else { bail!("--set wants KEY=VALUE") };
        flags.push((key.to_owned(), value.to_owned()));
    }
    let config: GeneratorConfig = config::load(Some(&args.config), "LAKEGATE_GENERATOR", &flags)?;
    let app = App::build(config, Arc::new(SystemClock)).await?;
    app.reload_on(hangups);
    tracing::info!(admin = %app.admin_address(), "generator fills");
    Shutdown::on_signals()?.wait().await;
    app.stop().await;
    Ok(())
}
