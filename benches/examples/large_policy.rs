//! What the load of a large policy costs: time and memory of reading and compiling it, as a broker does. Times are
//! processor time of this process, which other processes disturb less than the clock on the wall.
//!
//! `cargo run --release -p lakegate-benches --example large_policy [-- DATASETS GRANTS RULES]`

use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_benches::large::Large;
use lakegate_policy::{PolicyDocument, Snapshot};

fn main() -> Result<()> {
    let sizes: Vec<usize> = std::env::args().skip(1).map(|size| size.parse()).collect::<Result<_, _>>()?;
    let large = match *sizes.as_slice() {
        [] => Large::LARGEST,
        [datasets, grants, rules] => Large { datasets, grants, rules },
        _ => anyhow::bail!("wants no sizes, or those of datasets, grants and rules"),
    };
    let text = large.json()?;
    println!("text: {} MiB", text.len() >> 20);
    let before = memory("VmRSS")?;
    let (document, reading) = timed(|| PolicyDocument::from_json(&text))?;
    println!("read: {} ms, document {} MiB", reading.as_millis(), memory("VmRSS")?.saturating_sub(before));
    drop(text);
    let (snapshot, compiling) = timed(|| Snapshot::compile_owned(document))?;
    println!("compile: {} ms", compiling.as_millis());
    println!("in use: {} MiB, peak {} MiB, text included", memory("VmRSS")?, memory("VmHWM")?);
    let (plain, scopes) = timed(|| anyhow::Ok(snapshot.plain_scopes().len()))?;
    println!("plain scopes: {plain} in {} ms", scopes.as_millis());
    Ok(())
}

fn timed<T, E: Into<anyhow::Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration)> {
    let start = processor_time()?;
    let result = work().map_err(Into::into)?;
    Ok((result, processor_time()?.saturating_sub(start)))
}

/// What this process has used, in the kernel's ticks of 10 ms.
fn processor_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let ticks = |at| -> Result<u64> { Ok(fields.split(' ').nth(at).context("no such field")?.parse()?) };
    Ok(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// A figure of this process, in MiB.
fn memory(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).context("no such figure")?;
    let kib: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib >> 10)
}
