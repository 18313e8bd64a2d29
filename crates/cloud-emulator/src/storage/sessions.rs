//! Resumable uploads of the JSON dialect.
//!
//! As in the cloud, the session's address is a credential of its own: whoever knows it may finish the upload for
//! seven days, even when the token that began it has ended. What the session may do was decided when it began.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use lakegate_domain::{Clock, Timestamp};

use super::objects::Overwrite;
use super::{Attributes, Conditions, Missing, NewObject, Object, Refusal};

const LIFE: Duration = Duration::from_hours(7 * 24);

/// What was decided when a session began.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) attributes: Attributes,
    pub(crate) conditions: Conditions,
    pub(crate) overwrite: Overwrite,
    /// The CRC-32C that the content must have, if the caller said one.
    pub(crate) crc32c: Option<String>,
}

/// How far an upload is.
#[derive(Debug)]
pub(crate) enum Progress {
    /// So many bytes are there; more are expected.
    Incomplete(usize),
    /// It is finished.
    Done(Arc<Object>),
}

struct Running {
    session: Session,
    received: BytesMut,
    ends_at: Timestamp,
    done: Option<Arc<Object>>,
}

/// All sessions, by id.
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<String, Running>>,
    clock: Arc<dyn Clock>,
}

/// What `Content-Range` says: which bytes come, and how many there are in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The position of the first byte; `None` for `bytes */…`, which brings none.
    pub(super) first: Option<usize>,
    /// The size of the whole, once the caller knows it.
    pub(super) total: Option<usize>,
}

impl Chunk {
    /// Reads `Content-Range`; a request without one brings everything.
    pub(super) fn read(header: Option<&str>, length: usize) -> Result<Self, Refusal> {
        let invalid = Refusal::Invalid("Failed to parse Content-Range header.");
        let Some(text) = header else { return Ok(Self { first: Some(0), total: Some(length) }) };
        let (range, total) = text.strip_prefix("bytes ").and_then(|t| t.split_once('/')).ok_or(invalid)?;
        let total = if total == "*" { None } else { Some(total.parse().map_err(|_| invalid)?) };
        if range == "*" {
            return Ok(Self { first: None, total });
        }
        let (first, last) = range.split_once('-').ok_or(invalid)?;
        let (first, last): (usize, usize) =
            (first.parse().map_err(|_| invalid)?, last.parse().map_err(|_| invalid)?);
        let announced = last.checked_sub(first).map(|span| span.saturating_add(1));
        let within = total.is_none_or(|total| last < total);
        if announced == Some(length) && within {
            Ok(Self { first: Some(first), total })
        } else {
            Err(invalid)
        }
    }
}

impl Sessions {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { by_id: Mutex::default(), clock }
    }

    /// Begins a session under a fresh id.
    pub(super) fn begin(&self, id: &str, session: Session) {
        let ends_at = self.clock.now().plus(LIFE);
        let running = Running { session, received: BytesMut::new(), ends_at, done: None };
        self.lock().insert(id.to_owned(), running);
    }

    /// Takes a chunk in. When the content is whole, `finish` makes the object of it.
    pub(super) fn take(
        &self,
        id: &str,
        chunk: Chunk,
        bytes: &Bytes,
        finish: impl FnOnce(&Session, NewObject) -> Result<Arc<Object>, Refusal>,
    ) -> Result<Progress, Refusal> {
        let mut sessions = self.lock();
        let running = self.find(&mut sessions, id)?;
        if let Some(object) = &running.done {
            return Ok(Progress::Done(Arc::clone(object)));
        }
        if let Some(first) = chunk.first {
            running.append(first, bytes)?;
        }
        if chunk.total != Some(running.received.len()) {
            return Ok(Progress::Incomplete(running.received.len()));
        }
        let content = running.received.clone().freeze();
        let object = finish(&running.session, NewObject::new(content, running.session.attributes.clone()))?;
        running.received.clear();
        running.done = Some(Arc::clone(&object));
        Ok(Progress::Done(object))
    }

    /// Ends a session without an object.
    pub(super) fn cancel(&self, id: &str) -> Result<(), Refusal> {
        let mut sessions = self.lock();
        self.find(&mut sessions, id)?;
        sessions.remove(id);
        Ok(())
    }

    /// The names that a session is for.
    pub(crate) fn target(&self, id: &str) -> Result<(String, String), Refusal> {
        let mut sessions = self.lock();
        let running = self.find(&mut sessions, id)?;
        Ok((running.session.bucket.clone(), running.session.key.clone()))
    }

    fn find<'s>(
        &self,
        sessions: &'s mut HashMap<String, Running>,
        id: &str,
    ) -> Result<&'s mut Running, Refusal> {
        let now = self.clock.now();
        sessions.get_mut(id).filter(|running| running.ends_at > now).ok_or(Refusal::NotFound(Missing::Upload))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Adds the bytes that are not there yet; a gap is refused.
    fn append(&mut self, first: usize, bytes: &Bytes) -> Result<(), Refusal> {
        let known =
            self.received.len().checked_sub(first).ok_or(Refusal::Invalid("The chunk leaves a gap."))?;
        self.received.extend_from_slice(bytes.get(known..).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        let read = |text, length| Chunk::read(text, length).ok().map(|chunk| (chunk.first, chunk.total));
        assert_eq!(read(Some("bytes 0-9/20"), 10), Some((Some(0), Some(20))));
        assert_eq!(read(Some("bytes 10-19/*"), 10), Some((Some(10), None)));
        assert_eq!(read(Some("bytes */20"), 0), Some((None, Some(20))));
        assert_eq!(read(Some("bytes */*"), 0), Some((None, None)));
        assert_eq!(read(None, 7), Some((Some(0), Some(7))));
        for bad in ["bytes 0-9/5", "bytes 9-0/20", "bytes 0-8/20", "bytes a-b/c", "0-9/20", "bytes 0-9"] {
            assert_eq!(read(Some(bad), 10), None, "{bad}");
        }
    }
}
