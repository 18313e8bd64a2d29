//! `lakegate quickstart`: a whole lake on this machine, and a tour through it.

mod narrator;
mod paste;
mod tour;

use anyhow::Result;
use lakegate_host::Shutdown;
use lakegate_testkit::{Deployment, Options};

use self::narrator::Narrator;
use crate::args::QuickstartArgs;
use crate::exit::Exit;

/// Starts the lake, tells what happens step by step, and stays up unless told to end.
pub(crate) async fn run(args: &QuickstartArgs) -> Result<Exit> {
    let narrator = Narrator::new();
    let deployment = Deployment::start(Options { port: args.port, ..Options::sample()? }).await?;
    let held = tour::run(&deployment, &narrator).await?;
    narrator.verdict(held);
    if !args.exit {
        paste::print(&deployment, &narrator)?;
        Shutdown::on_signals()?.wait().await;
    }
    let drained = deployment.stop().await;
    Ok(if held && drained { Exit::Done } else { Exit::Failure })
}
