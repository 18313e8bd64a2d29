//! Sees to it that a probe is made when it is due, whether or not anybody mints.

use std::sync::Arc;
use std::time::Duration;

use lakegate_policy::Scope;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Minter;

/// How soon it looks again when there is no scope to mint, or the error names no time.
const PAUSE: Duration = Duration::from_secs(5);

/// The shortest time between two tries.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// A scope of the storage to probe with, and the snapshot that has it; none while there is none. Runs on a blocking
/// thread.
pub type Pick = Arc<dyn Fn() -> Option<(Scope, u64)> + Send + Sync>;

/// The task behind a storage's probes; ends when this is dropped.
#[derive(Debug)]
pub struct ProbeWatch(JoinHandle<()>);

impl ProbeWatch {
    /// Watches a minter. None when it is not probed: no canary is configured.
    ///
    /// Each probe that nobody's minting made already costs one call of the minter's own budget.
    pub fn start(minter: Arc<dyn Minter>, pick: Pick) -> Option<Self> {
        minter.gate()?;
        Some(Self(tokio::spawn(watch(minter, pick))))
    }
}

impl Drop for ProbeWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(minter: Arc<dyn Minter>, pick: Pick) {
    while let Some(gate) = minter.gate() {
        let wait = gate.due_in();
        if !wait.is_zero() {
            sleep(wait).await;
            continue;
        }
        let pick = Arc::clone(&pick);
        let picked = tokio::task::spawn_blocking(move || pick()).await;
        let pause = match picked {
            Ok(Some((scope, snapshot))) => match minter.mint(&scope, snapshot).await {
                Ok(_) => LEAST_PAUSE,
                Err(error) => error.retry_after().unwrap_or(PAUSE).max(LEAST_PAUSE),
            },
            Ok(None) | Err(_) => PAUSE,
        };
        sleep(pause).await;
    }
}
