//! How a store over the network does, for readiness and metrics.

/// How a store has done since the start. The default is that of a store that cannot be out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreHealth {
    /// Whether it was ever reached since the start. A broker that starts without its store is not ready; one that
    /// loses it later goes on.
    pub reached: bool,
    /// Whether calls go through.
    pub breaker: BreakerState,
    /// How often the breaker opened.
    pub opened: u64,
    /// Calls that were not made because the breaker was open.
    pub refused_calls: u64,
    /// Calls that were given up for want of an answer.
    pub timeouts: u64,
    /// Connections that were made, the first one included.
    pub connections: u64,
}

/// Whether calls to a store go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreakerState {
    /// They do.
    #[default]
    Closed,
    /// They fail at once, without touching the network.
    Open,
    /// One call tries whether the store is back; the others fail at once.
    Probing,
}

impl Default for StoreHealth {
    fn default() -> Self {
        Self {
            reached: true,
            breaker: BreakerState::Closed,
            opened: 0,
            refused_calls: 0,
            timeouts: 0,
            connections: 0,
        }
    }
}
