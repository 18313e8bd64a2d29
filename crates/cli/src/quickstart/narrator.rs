//! Tells the tour: one numbered step after the other, what happened and whether it held.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};

use owo_colors::OwoColorize;

/// Writes the tour to standard output; in colour on a terminal, unless `NO_COLOR` is set.
#[derive(Debug)]
pub(super) struct Narrator {
    step: AtomicUsize,
    failed: AtomicUsize,
    colour: bool,
}

impl Narrator {
    pub(super) fn new() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { step: AtomicUsize::new(0), failed: AtomicUsize::new(0), colour }
    }

    /// A heading between steps.
    pub(super) fn heading(&self, text: &str) {
        if self.colour { println!("\n{}", text.bold()) } else { println!("\n{text}") }
    }

    /// A step and how it ended. An error fails the tour, which goes on.
    pub(super) fn step(&self, title: &str, outcome: anyhow::Result<String>) {
        let number = self.step.fetch_add(1, Ordering::Relaxed) + 1;
        let (mark, text) = match outcome {
            Ok(text) => ("ok", text),
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                ("FAILED", format!("{error:#}"))
            }
        };
        println!("{number:>3} {} {title}", self.mark(mark));
        for line in text.lines() {
            println!("         {line}");
        }
    }

    /// Whether every step held so far.
    pub(super) fn all_held(&self) -> bool {
        self.failed.load(Ordering::Relaxed) == 0
    }

    /// The last line of the tour.
    pub(super) fn verdict(&self, held: bool) {
        let steps = self.step.load(Ordering::Relaxed);
        let failed = self.failed.load(Ordering::Relaxed);
        println!();
        if held {
            println!("All {steps} steps held.");
        } else {
            println!("{failed} of {steps} steps did not hold.");
        }
    }

    fn mark(&self, mark: &str) -> String {
        match (self.colour, mark) {
            (true, "ok") => "ok".green().to_string(),
            (true, other) => other.red().to_string(),
            (false, other) => other.to_owned(),
        }
    }
}
