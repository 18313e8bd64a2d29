//! The `lakegate` command: everything a person types.

mod args;
mod commands;
mod connect;
mod exit;
mod output;
mod quickstart;

use clap::Parser;
use lakegate_host::harden;
use lakegate_host::telemetry::{self, Format, TelemetryConfig};

use crate::args::Args;
use crate::exit::Exit;

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    if let Err(error) = prepare(&args) {
        eprintln!("lakegate: {error:#}");
        return Exit::Failure.into();
    }
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(commands::run(args)),
        Err(error) => Err(error.into()),
    };
    outcome
        .unwrap_or_else(|error| {
            eprintln!("lakegate: {error:#}");
            Exit::of(&error)
        })
        .into()
}

fn prepare(args: &Args) -> anyhow::Result<()> {
    harden::no_core_dumps()?;
    let filter = args.log.clone();
    telemetry::init(&TelemetryConfig { format: Format::Text, filter })?;
    Ok(())
}
