//! Logs behind a breaker of their own: people wait for what is written to them, so a call may take longer than one for
//! a token, and one that failed says nothing of the tokens' connection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lakegate_domain::Timestamp;

use super::{BreakerTerms, guarded};
use crate::breaker::circuit::Circuit;
use crate::{Appended, LogName, LogSnapshot, RecordLog, Records, StoreError, StoreHealth};

/// How long a call may take. A person waits for two of them at most, and for a third that finds a lost reply.
const CALL: Duration = Duration::from_secs(1);
/// How long a snapshot may take: it has megabytes at worst, and nobody waits for it.
const SNAPSHOT: Duration = Duration::from_secs(10);

/// A [`RecordLog`] behind a breaker.
#[derive(Debug)]
pub struct LogBreaker {
    inner: Arc<dyn RecordLog>,
    call: Duration,
    circuit: Arc<Circuit>,
}

impl LogBreaker {
    /// Puts a store's logs behind a breaker; calls have the time of `terms` or a second, whichever is more. `seed`
    /// spreads the pauses of many processes.
    pub fn new(inner: Arc<dyn RecordLog>, terms: BreakerTerms, seed: u64) -> Self {
        let call = terms.call.max(CALL);
        // A view that is seconds old is the thing to avoid, so the pauses are short.
        let terms = BreakerTerms { call, longest_pause: CALL, ..terms };
        Self { inner, call, circuit: Arc::new(Circuit::new(terms, seed)) }
    }
}

#[async_trait]
impl RecordLog for LogBreaker {
    async fn append(&self, log: LogName, number: u64, record: Vec<u8>) -> Result<Appended, StoreError> {
        let inner = Arc::clone(&self.inner);
        guarded(&self.circuit, self.call, async move { inner.append(log, number, record).await }).await
    }

    async fn read(&self, log: LogName, after: u64) -> Result<Records, StoreError> {
        let inner = Arc::clone(&self.inner);
        guarded(&self.circuit, self.call, async move { inner.read(log, after).await }).await
    }

    async fn snapshot(&self, log: LogName) -> Result<Option<LogSnapshot>, StoreError> {
        let inner = Arc::clone(&self.inner);
        guarded(&self.circuit, SNAPSHOT, async move { inner.snapshot(log).await }).await
    }

    async fn put_snapshot(&self, log: LogName, snapshot: LogSnapshot) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.inner);
        guarded(&self.circuit, SNAPSHOT, async move { inner.put_snapshot(log, snapshot).await }).await
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        let inner = Arc::clone(&self.inner);
        guarded(&self.circuit, self.call, async move { inner.time().await }).await
    }

    fn waits_for_copies(&self) -> bool {
        self.inner.waits_for_copies()
    }

    fn health(&self) -> StoreHealth {
        self.circuit.health(self.inner.health())
    }
}
