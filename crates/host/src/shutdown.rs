//! What signals ask of a process: to stop, known to all its parts, or to look at its files.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use crate::HostError;

/// A switch that goes one way. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// A switch that only [`Shutdown::trigger`] throws.
    pub fn new() -> Self {
        Self::default()
    }

    /// A switch that SIGTERM and SIGINT throw as well. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`HostError::Signals`] when the process cannot listen to signals.
    pub fn on_signals() -> Result<Self, HostError> {
        let terminate = signal(SignalKind::terminate()).map_err(HostError::Signals)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(HostError::Signals)?;
        let shutdown = Self::new();
        tokio::spawn(shutdown.clone().follow(terminate, interrupt));
        Ok(shutdown)
    }

    async fn follow(self, mut terminate: Signal, mut interrupt: Signal) {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = self.wait() => return,
        };
        info!(signal = name, "stopping on a signal");
        self.trigger();
    }

    /// Throws the switch; it may be thrown again without effect.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether the switch was thrown.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the switch is thrown; at once when it was.
    pub async fn wait(&self) {
        // The sender lives in `self`, so the wait cannot end in an error.
        let _ = self.0.subscribe().wait_for(|stop| *stop).await;
    }
}

/// SIGHUP, which asks a process to look at its files. Listen early: until then the signal ends the process.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Begins to listen; signals from now on are kept. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`HostError::Signals`] when the process cannot listen to signals.
    pub fn listen() -> Result<Self, HostError> {
        Ok(Self(signal(SignalKind::hangup()).map_err(HostError::Signals)?))
    }

    /// Waits for the next signal; several that came meanwhile are one. False when there will be none.
    pub(crate) async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_learns_of_the_stop_early_or_late() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        assert!(!shutdown.is_triggered());
        shutdown.clone().trigger();
        shutdown.trigger();
        waiting.await.unwrap();
        shutdown.wait().await;
        assert!(shutdown.is_triggered());
    }

    #[tokio::test]
    async fn sigterm_throws_the_switch() {
        let shutdown = Shutdown::on_signals().unwrap();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        shutdown.wait().await;
    }
}
