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

use crate::args::{Args, Command, DelegationTokenCommand, PolicyCommand, TokenCommand};
use crate::exit::Exit;

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    if let Err(error) = prepare(&args) {
        eprintln!("lakegate: {error:#}");
        return Exit::Failure.into();
    }
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(args)),
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

async fn run(args: Args) -> anyhow::Result<Exit> {
    match args.command {
        Command::Quickstart(options) => quickstart::run(&options).await,
        Command::Sample(options) => commands::sample::run(&options, args.output),
        Command::Emulate(options) => commands::emulate::run(&options).await,
        Command::Token(TokenCommand::Get(options)) => commands::token::get(&options, args.output).await,
        Command::DelegationToken(DelegationTokenCommand::Issue(options)) => {
            commands::delegation_token::issue(&options, args.output).await
        }
        Command::DelegationToken(DelegationTokenCommand::Renew(options)) => {
            commands::delegation_token::renew(&options, args.output).await
        }
        Command::DelegationToken(DelegationTokenCommand::Cancel(options)) => {
            commands::delegation_token::cancel(&options, args.output).await
        }
        Command::DelegationToken(DelegationTokenCommand::Show(options)) => {
            commands::delegation_token::show(&options, args.output)
        }
        Command::Explain(options) => commands::explain::run(&options, args.output).await,
        Command::Policy(PolicyCommand::Check(options)) => commands::policy::check(&options, args.output),
    }
}
