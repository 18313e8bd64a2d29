//! `cargo xtask <command>`: what CI runs, and what a person runs.
//!
//! `cargo xtask ci` is the whole of it; each of its steps is also a command of its own. A step prints what it
//! found and ends with a non-zero exit code when something is wrong.

use std::process::ExitCode;

use clap::Parser;

mod audit;
mod ci;
mod cli;
mod clients;
mod debian;
mod hadoop;
mod helm;
mod peers;
mod process;
mod python;
mod steps;
mod tidy;

fn main() -> ExitCode {
    match cli::Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
