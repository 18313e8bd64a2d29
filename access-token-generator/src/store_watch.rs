//! Notices when the shared tier has lost its past: a server that started anew, or another one behind its name.
//!
//! Brokers go on from memory meanwhile, but a broker that starts finds nothing, so the generator does not wait for
//! the next renewals. A store that was only emptied keeps its id and is filled as tokens are renewed.

use std::sync::Arc;
use std::time::Duration;

use lakegate_token_store::{SealedTokens, StoreId};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How often to ask.
const EVERY: Duration = Duration::from_secs(5);

/// Asks in the background; ends when dropped.
#[derive(Debug)]
pub(crate) struct StoreWatch {
    lost: Arc<Notify>,
    task: JoinHandle<()>,
}

impl StoreWatch {
    /// Watches a shared tier.
    pub(crate) fn over(tokens: Arc<SealedTokens>) -> Self {
        let lost = Arc::new(Notify::new());
        let task = tokio::spawn(ask(tokens, Arc::clone(&lost)));
        Self { lost, task }
    }

    /// Waits until the store holds another body of data than when it was last asked.
    pub(crate) async fn lost(&mut self) {
        self.lost.notified().await;
    }
}

impl Drop for StoreWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask(tokens: Arc<SealedTokens>, lost: Arc<Notify>) {
    let mut known: Option<StoreId> = None;
    loop {
        // One that does not answer has lost nothing yet.
        if let Ok(id) = tokens.ping().await {
            if known.as_ref().is_some_and(|known| *known != id) {
                lost.notify_one();
            }
            known = Some(id);
        }
        tokio::time::sleep(EVERY).await;
    }
}
