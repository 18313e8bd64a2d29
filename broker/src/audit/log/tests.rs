//! The audit log against sinks that work, fail and block.

use std::sync::{Arc, Mutex};

use lakegate_domain::Timestamp;

use super::*;
use crate::audit::AuditIds;

fn record() -> Record {
    Record {
        reason: "policy_deny",
        ..Record::new(
            Timestamp::from_seconds(1),
            AuditIds::new(7).next(),
            "GetAccessToken",
            "127.0.0.1:1".parse().unwrap(),
        )
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Blocks in `write` until its sender is dropped.
struct Blocked(mpsc::Receiver<()>);

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _gone = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_accepted_record_is_one_json_line_in_the_sink() {
    let sink = Shared::default();
    let log = AuditLog::to_sink(Box::new(sink.clone())).unwrap();
    log.accept(&record()).await.unwrap();
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["reason"], "policy_deny");
    assert_eq!(json["audit_id"], "0000000000000007-0");
}

#[tokio::test]
async fn a_full_sink_accepts_nothing() {
    let log = AuditLog::to_sink(Box::new(Full)).unwrap();
    assert_eq!(log.accept(&record()).await, Err(AuditError));
}

#[tokio::test(start_paused = true)]
async fn a_blocked_sink_is_given_up_after_200_ms() {
    let (unblock, block) = mpsc::channel();
    let log = AuditLog::to_sink(Box::new(Blocked(block))).unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(log.accept(&record()).await, Err(AuditError));
    assert_eq!(start.elapsed(), PATIENCE);
    drop(unblock);
}

/// Takes some bytes, fails once in the middle of a line, and works again.
#[derive(Clone, Default)]
struct Interrupted {
    kept: Shared,
    failed: Arc<Mutex<bool>>,
}

impl Write for Interrupted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut failed = self.failed.lock().unwrap();
        if *failed {
            return self.kept.write(bytes);
        }
        *failed = true;
        self.kept.write(&bytes[..10])?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_record_after_a_torn_one_stands_on_a_line_of_its_own() {
    let sink = Interrupted::default();
    let log = AuditLog::to_sink(Box::new(sink.clone())).unwrap();
    assert_eq!(log.accept(&record()).await, Err(AuditError));
    log.accept(&record()).await.unwrap();
    let text = String::from_utf8(sink.kept.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(serde_json::from_str::<serde_json::Value>(lines[0]).is_err(), "the torn one");
    assert!(serde_json::from_str::<serde_json::Value>(lines[1]).is_ok(), "the accepted one");
}
