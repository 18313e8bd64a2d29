//! Replies, taken apart. A reply of a shape that its command cannot have means that replies and commands no longer
//! go together; then nothing of the connection is believed.

use lakegate_domain::Timestamp;
use redis::{RedisError, ServerError, Value};

use crate::record_log::MAX_SNAPSHOT_BYTES;
use crate::{MAX_VALUE_BYTES, StoreError, StoreId};

/// Replies and commands do not go together.
#[derive(Debug)]
pub(super) struct OutOfStep;

/// What became of a call.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server refused a command.
    Refused(ServerError),
    /// The connection is of no use any more.
    OutOfStep,
}

/// What a key held.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// It exists and reads as empty: an empty value, or one that ended while it was read.
    Doubtful,
    /// A value that is too long, or no text at all: it is not read.
    Unreadable,
    /// A value.
    Value(Vec<u8>),
}

impl Found {
    /// Whether a second look is needed.
    pub(super) fn is_doubtful(&self) -> bool {
        matches!(self, Self::Doubtful)
    }

    /// The value as the rules of the trait want it: what is not read is empty.
    pub(super) fn into_value(self) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => None,
            Self::Doubtful | Self::Unreadable => Some(Vec::new()),
            Self::Value(value) => Some(value),
        }
    }
}

/// The replies to `EXISTS` and `GETRANGE`, key after key.
pub(super) fn found(replies: Vec<Value>) -> Result<Vec<Found>, Trouble> {
    let mut found = Vec::with_capacity(replies.len() / 2);
    let mut replies = replies.into_iter();
    while let Some(exists) = replies.next() {
        let exists = match exists {
            Value::Int(0) => false,
            Value::Int(1) => true,
            other => return Err(trouble(other)),
        };
        found.push(match replies.next() {
            Some(Value::BulkString(value)) if value.len() > MAX_VALUE_BYTES => Found::Unreadable,
            Some(Value::BulkString(value)) if !value.is_empty() => Found::Value(value),
            Some(Value::BulkString(_)) if exists => Found::Doubtful,
            Some(Value::BulkString(_)) => Found::Nothing,
            Some(Value::ServerError(error)) if error.code() == "WRONGTYPE" => Found::Unreadable,
            Some(other) => return Err(trouble(other)),
            None => return Err(Trouble::OutOfStep),
        });
    }
    Ok(found)
}

/// The reply to `SET` or `DEL`.
pub(super) fn done(replies: Vec<Value>) -> Result<(), Trouble> {
    match one(replies)? {
        Value::Okay | Value::Int(_) => Ok(()),
        other => Err(trouble(other)),
    }
}

/// What became of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// The stream has it, and so many replicas.
    There {
        /// 0 when nobody asked.
        copies: u32,
    },
    /// There is no stream, and `NOMKSTREAM` makes none.
    Nowhere,
}

/// The reply to `XADD`, and to `WAIT` behind it when replicas are waited for.
pub(super) fn added(mut replies: Vec<Value>, has_waited: bool) -> Result<Entered, Trouble> {
    let copies = if has_waited { replies.pop().ok_or(Trouble::OutOfStep)? } else { Value::Int(0) };
    match one(replies)? {
        Value::BulkString(_) | Value::SimpleString(_) => match copies {
            Value::Int(copies) => Ok(Entered::There { copies: u32::try_from(copies).unwrap_or(0) }),
            // It was added, and nobody says who has it.
            Value::ServerError(_) => Ok(Entered::There { copies: 0 }),
            _ => Err(Trouble::OutOfStep),
        },
        Value::Nil => Ok(Entered::Nowhere),
        other => Err(trouble(other)),
    }
}

/// The reply to `TIME`: seconds since 1970, and microseconds, in decimal digits.
pub(super) fn time(replies: Vec<Value>) -> Result<Timestamp, Trouble> {
    let parts = match one(replies)? {
        Value::Array(parts) => <[Value; 2]>::try_from(parts).map_err(|_| Trouble::OutOfStep)?,
        other => return Err(trouble(other)),
    };
    let [Value::BulkString(seconds), Value::BulkString(_)] = parts else { return Err(Trouble::OutOfStep) };
    let seconds = std::str::from_utf8(&seconds).ok().and_then(|seconds| seconds.parse().ok());
    seconds.map(Timestamp::from_seconds).ok_or(Trouble::OutOfStep)
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Records: one for each number.
    Record,
    /// Snapshots: the same number may come again, sealed anew.
    Snapshot,
}

/// The reply to `XRANGE` or `XREVRANGE`: entries by the first half of their ids. One that is not of our making, with
/// another second half, other fields or too long a value, is empty, so that the reader sees that something is wrong.
pub(super) fn entries(reply: Value, entry: Entry) -> Result<Vec<(u64, Vec<u8>)>, Trouble> {
    let Value::Array(entries) = reply else { return Err(trouble(reply)) };
    entries.into_iter().map(|found| numbered(found, entry)).collect()
}

fn numbered(found: Value, entry: Entry) -> Result<(u64, Vec<u8>), Trouble> {
    let Value::Array(found) = found else { return Err(Trouble::OutOfStep) };
    let Ok([Value::BulkString(id), Value::Array(fields)]) = <[Value; 2]>::try_from(found) else {
        return Err(Trouble::OutOfStep);
    };
    let id = std::str::from_utf8(&id).ok().and_then(|id| id.split_once('-'));
    let (number, rest) = id.ok_or(Trouble::OutOfStep)?;
    let number = number.parse().map_err(|_| Trouble::OutOfStep)?;
    let (longest, is_ours) = match entry {
        Entry::Record => (MAX_VALUE_BYTES, rest == "0"),
        Entry::Snapshot => (MAX_SNAPSHOT_BYTES, true),
    };
    let bytes = match <[Value; 2]>::try_from(fields) {
        Ok([_, Value::BulkString(bytes)]) if is_ours && bytes.len() <= longest => bytes,
        _ => Vec::new(),
    };
    Ok((number, bytes))
}

/// The reply to `INFO replication`: lines of `name:value`.
pub(super) fn replication_id(replies: Vec<Value>) -> Result<StoreId, Trouble> {
    let text = match one(replies)? {
        Value::BulkString(text) => String::from_utf8(text).map_err(|_| Trouble::OutOfStep)?,
        Value::VerbatimString { text, .. } => text,
        other => return Err(trouble(other)),
    };
    let id = text.lines().find_map(|line| line.strip_prefix("master_replid:")).map(str::trim);
    match id {
        Some(id) if !id.is_empty() => Ok(StoreId::new(id.to_owned())),
        _ => Err(Trouble::OutOfStep),
    }
}

/// The reply to the only command.
pub(super) fn one(replies: Vec<Value>) -> Result<Value, Trouble> {
    let mut replies = replies.into_iter();
    match (replies.next(), replies.next()) {
        (Some(reply), None) => Ok(reply),
        _ => Err(Trouble::OutOfStep),
    }
}

fn trouble(reply: Value) -> Trouble {
    match reply {
        Value::ServerError(error) => Trouble::Refused(error),
        _ => Trouble::OutOfStep,
    }
}

/// The error for a command that the server refused.
pub(super) fn refusal(error: ServerError) -> StoreError {
    StoreError::refused(RedisError::from(error))
}

impl std::fmt::Display for OutOfStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server answered another question")
    }
}

impl std::error::Error for OutOfStep {}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(bytes: &[u8]) -> Value {
        Value::BulkString(bytes.to_vec())
    }

    #[test]
    fn keys_that_exist_are_told_from_those_that_do_not() {
        let replies = vec![
            Value::Int(1),
            bulk(b"v"),
            Value::Int(0),
            bulk(b""),
            Value::Int(1),
            bulk(b""),
            Value::Int(0),
            bulk(b"came between"),
            Value::Int(1),
            bulk(&vec![0; MAX_VALUE_BYTES + 1]),
        ];
        let values: Vec<_> = found(replies).unwrap().into_iter().map(Found::into_value).collect();
        let expected =
            [Some(b"v".to_vec()), None, Some(vec![]), Some(b"came between".to_vec()), Some(vec![])];
        assert_eq!(values, expected);
    }

    #[test]
    fn rd09_replies_of_another_shape_are_out_of_step() {
        for replies in [
            vec![bulk(b"v"), Value::Int(1)],
            vec![Value::Int(1)],
            vec![Value::Int(2), bulk(b"v")],
            vec![Value::Okay, bulk(b"v")],
            vec![Value::Int(1), Value::Okay],
        ] {
            assert!(matches!(found(replies), Err(Trouble::OutOfStep)));
        }
        for replies in [vec![], vec![bulk(b"v")], vec![Value::Okay, Value::Okay]] {
            assert!(matches!(done(replies), Err(Trouble::OutOfStep)));
        }
        for replies in [vec![bulk(b"role:master\r\n")], vec![bulk(b"master_replid:\r\n")], vec![Value::Okay]]
        {
            assert!(matches!(replication_id(replies), Err(Trouble::OutOfStep)));
        }
    }

    #[test]
    fn the_replication_id_is_read_from_its_line() {
        let text = b"# Replication\r\nrole:master\r\nmaster_replid:4f2e\r\nmaster_replid2:0000\r\n";
        assert_eq!(replication_id(vec![bulk(text)]).unwrap().as_str(), "4f2e");
    }
}
