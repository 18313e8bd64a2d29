//! One file per command.

pub(crate) mod delegation_token;
pub(crate) mod emulate;
pub(crate) mod explain;
pub(crate) mod policy;
pub(crate) mod sample;
pub(crate) mod token;

use crate::args::{Args, Command, DelegationTokenCommand, PolicyCommand, TokenCommand};
use crate::exit::Exit;

/// Runs what was typed.
pub(crate) async fn run(args: Args) -> anyhow::Result<Exit> {
    match args.command {
        Command::Quickstart(options) => crate::quickstart::run(&options).await,
        Command::Sample(options) => sample::run(&options, args.output),
        Command::Emulate(options) => emulate::run(&options).await,
        Command::Token(TokenCommand::Get(options)) => token::get(&options, args.output).await,
        Command::DelegationToken(DelegationTokenCommand::Issue(options)) => {
            delegation_token::issue(&options, args.output).await
        }
        Command::DelegationToken(DelegationTokenCommand::Renew(options)) => {
            delegation_token::renew(&options, args.output).await
        }
        Command::DelegationToken(DelegationTokenCommand::Cancel(options)) => {
            delegation_token::cancel(&options, args.output).await
        }
        Command::DelegationToken(DelegationTokenCommand::Show(options)) => {
            delegation_token::show(&options, args.output)
        }
        Command::Explain(options) => explain::run(&options, args.output).await,
        Command::Policy(PolicyCommand::Check(options)) => policy::check(&options, args.output),
        Command::Policy(PolicyCommand::Diff(options)) => policy::diff(&options, args.output),
    }
}
