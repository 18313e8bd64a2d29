//! `lakegate emulate`.

use anyhow::Result;
use lakegate_host::Shutdown;
use lakegate_testkit::emulate;

use crate::args::EmulateArgs;
use crate::exit::Exit;

/// Runs the emulated cloud of a site until a signal comes.
pub(crate) async fn run(args: &EmulateArgs) -> Result<Exit> {
    let stop = Shutdown::on_signals()?;
    let emulator = emulate(&args.folder).await?;
    println!("the emulated cloud serves at {}", emulator.url());
    stop.wait().await;
    emulator.shutdown().await;
    Ok(Exit::Done)
}
