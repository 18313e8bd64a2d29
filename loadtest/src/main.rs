//! `lakegate-loadtest`: a fixed rate of calls against a whole Lakegate in this process, or against brokers that run
//! already.
//!
//! A deployment of its own has threads of its own and the driver one, so that the driver's work delays an answer no more than
//! another process on the machine would. Figures say as much about the machine as about Lakegate.

mod args;
mod place;
mod target;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use lakegate_loadtest::{Report, Schedule, drive};
use tokio::runtime::Builder;

use args::Args;
use place::Place;
use target::Target;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("lakegate-loadtest: {failed} calls failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("lakegate-loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the load and prints the report; returns how many calls failed.
fn run(args: &Args) -> Result<u64> {
    let servers = Builder::new_multi_thread().worker_threads(args.server_threads).enable_all().build()?;
    let driver = Builder::new_current_thread().enable_all().build()?;
    let (place, deployment) = servers.block_on(Place::find(&args.brokers))?;
    let (report, failed) = driver.block_on(async {
        let target = Target::connect(&place, args).await?;
        drive(Schedule::new(args.rate, args.warmup())?, args.pacing(), |call| target.call(call)).await?;
        let schedule = Schedule::new(args.rate, args.length())?;
        let seen = drive(schedule, args.pacing(), |call| target.call(call)).await?;
        anyhow::Ok((Report::new(target.to_string(), schedule, &seen), seen.failed()))
    })?;
    if let Some(deployment) = deployment {
        servers.block_on(deployment.stop());
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(failed)
}
