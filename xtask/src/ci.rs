//! All steps in order, each with its duration; the first that fails ends the run.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cli::Command;

pub(crate) fn run() -> Result<()> {
    let mut taken = Vec::new();
    for step in Command::CI {
        eprintln!("== {}", step.name());
        let started = now();
        let outcome = step.run();
        taken.push((step, started.elapsed()));
        if outcome.is_err() {
            report(&taken);
        }
        outcome.with_context(|| format!("step `{}` failed", step.name()))?;
    }
    report(&taken);
    Ok(())
}

fn report(taken: &[(Command, Duration)]) {
    eprintln!("== durations");
    for (step, duration) in taken {
        eprintln!("{:>10} {:>7.1} s", step.name(), duration.as_secs_f64());
    }
    let total: Duration = taken.iter().map(|(_, duration)| *duration).sum();
    eprintln!("{:>10} {:>7.1} s", "all", total.as_secs_f64());
}

#[expect(
    clippy::disallowed_methods,
    reason = "a report to a person; there is no runtime whose time could be paused"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
