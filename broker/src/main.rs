//! The broker process: arguments, configuration, hardening, serve, drain.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Parser;
use lakegate_broker::{App, BrokerConfig};
use lakegate_domain::SystemClock;
use lakegate_host::telemetry::{self, TelemetryConfig};
use lakegate_host::{Hangups, Shutdown, config, harden};

/// Hands out short-lived storage tokens, cut down to what policy allows.
#[derive(Debug, Parser)]
#[command(name = "lakegate-broker", version)]
struct Args {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
    /// A setting on top of file and environment, such as `listen=127.0.0.1:8443`.
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
    let config: BrokerConfig = config::load(Some(&args.config), "LAKEGATE_BROKER", &flags)?;
    let app = App::build(config, Arc::new(SystemClock)).await?;
    app.reload_on(hangups);
    tracing::info!(address = %app.address(), admin = %app.admin_address(), "broker serves");
    Shutdown::on_signals()?.wait().await;
    tracing::info!("broker drains");
    if app.drain().await { Ok(()) } else { bail!("requests were cut off") }
}
