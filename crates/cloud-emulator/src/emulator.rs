//! The handle to a running emulator.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lakegate_domain::Secret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cloud::Cloud;
use crate::storage::Name;
use crate::{CallCounts, EmulatorConfig, EmulatorError, FaultControl, MinuteCounts, server};

/// A running pretend cloud; it stops when this is dropped.
pub struct Emulator {
    cloud: Arc<Cloud>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Emulator {
    /// Listens and serves on the current tokio runtime; returns when connections are accepted.
    ///
    /// # Errors
    /// [`EmulatorError`] when the address cannot be listened on or the configuration is not sound.
    pub async fn start(config: EmulatorConfig) -> Result<Self, EmulatorError> {
        let listener = TcpListener::bind(config.listen).await.map_err(EmulatorError::Listen)?;
        let address = listener.local_addr().map_err(EmulatorError::Listen)?;
        let cloud = Arc::new(Cloud::new(config, format!("http://{address}"))?);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(server::serve(listener, Arc::clone(&cloud), stopped));
        Ok(Self { cloud, stop, task: Mutex::new(Some(task)) })
    }

    /// Where it is reached: `http://127.0.0.1:PORT`, without a final slash.
    pub fn url(&self) -> String {
        self.cloud.url.clone()
    }

    /// The calls that arrived so far.
    pub fn calls(&self) -> CallCounts {
        self.cloud.counters.total()
    }

    /// The calls of the last day, minute by minute.
    pub fn calls_per_minute(&self) -> Vec<MinuteCounts> {
        self.cloud.counters.minutes()
    }

    /// The handle to its misbehaviour; clones of it steer this emulator.
    pub fn faults(&self) -> &FaultControl {
        &self.cloud.faults
    }

    /// Puts an object past all permissions, replacing one of the same name.
    ///
    /// # Errors
    /// [`EmulatorError::UnknownBucket`].
    pub fn put_object(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> Result<(), EmulatorError> {
        self.cloud.storage.seed(Name { bucket, key }, bytes.into()).ok_or(EmulatorError::UnknownBucket)
    }

    /// An object's content, past all permissions.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.cloud.storage.peek(Name { bucket, key })
    }

    /// The names of all objects of a bucket in byte order, past all permissions; empty for an unknown bucket.
    pub fn object_names(&self, bucket: &str) -> Vec<String> {
        self.cloud.storage.names(bucket)
    }

    /// A source token of the account, as `POST /token` would answer, without the ceremony and without a count.
    ///
    /// # Errors
    /// [`EmulatorError::UnknownAccount`].
    pub fn source_token(&self, email: &str) -> Result<Secret, EmulatorError> {
        let account = self.cloud.accounts.find(email).ok_or(EmulatorError::UnknownAccount)?;
        self.cloud.issue_source(account, self.cloud.source_life)
    }

    /// Stops listening, ends all connections and waits until the port is free. Later calls do nothing.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the emulator's server task panicked");
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("url", &self.cloud.url).finish_non_exhaustive()
    }
}
