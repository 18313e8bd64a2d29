//! What is logged while a test runs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::Level;

/// What is logged on this thread at a level or above it while a future runs, and what the future gives.
pub(crate) async fn while_logging<T>(level: Level, future: impl Future<Output = T>) -> (T, String) {
    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);
    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let capturing = tracing::subscriber::set_default(subscriber);
    let given = future.await;
    drop(capturing);
    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    (given, text)
}
