//! How far a server is on its way to leaving.

use tokio::sync::watch;

/// From serving to gone, in this order and never back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everything is served.
    Open,
    /// Everything is served, but whoever asks is told to go elsewhere.
    Announced,
    /// No new connection; those that are open are asked to go when their requests are answered.
    Leaving,
    /// Time is up: what is still waited for is not.
    Over,
}

/// Waits until the phase is this one, or a later one, or its owner is gone.
pub(crate) async fn reached(phases: &mut watch::Receiver<Phase>, phase: Phase) {
    // An owner that is gone leaves nothing to wait for.
    let _gone = phases.wait_for(|now| *now >= phase).await;
}

/// Goes on to a phase, unless it is over already.
pub(super) fn enter(phases: &watch::Sender<Phase>, phase: Phase) {
    phases.send_if_modified(|now| *now < phase && std::mem::replace(now, phase) < phase);
}
