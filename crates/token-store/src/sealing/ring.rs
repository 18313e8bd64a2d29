//! Keys in one file, which a rotation replaces as a whole.
//!
//! A line for each key: what it does, its id, its 32 bytes as hexadecimal digits. Exactly one key seals; at most one
//! more only opens. Empty lines and lines that begin with `#` say nothing.
//!
//! ```text
//! # the key since March, and the one before
//! seals 2 5a5a...
//! opens 1 0f0f...
//! ```

use lakegate_domain::Secret;

use super::key::{SealingKey, SealingKeys};
use crate::StoreError;
use crate::settings::key_bytes;

impl SealingKeys {
    /// Reads a key ring.
    ///
    /// # Errors
    /// [`StoreError::Ring`] with the line at fault, [`StoreError::RingWithoutKey`], or
    /// [`StoreError::DuplicateKeyId`].
    pub fn from_ring(text: &Secret) -> Result<Self, StoreError> {
        let (mut current, mut previous) = (None, None);
        for (line, text) in (1..).zip(text.expose().lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |problem| StoreError::Ring { line, problem };
            let (slot, key) = entry(text).map_err(wrong)?;
            let (slot, taken) = match slot {
                Slot::Seals => (&mut current, "a second key that seals"),
                Slot::Opens => (&mut previous, "a second key that only opens"),
            };
            if slot.replace(key).is_some() {
                return Err(wrong(taken));
            }
        }
        let keys = Self { current: current.ok_or(StoreError::RingWithoutKey)?, previous };
        keys.check()?;
        Ok(keys)
    }
}

enum Slot {
    Seals,
    Opens,
}

fn entry(text: &str) -> Result<(Slot, SealingKey), &'static str> {
    let mut words = text.split_ascii_whitespace();
    let slot = match words.next() {
        Some("seals") => Slot::Seals,
        Some("opens") => Slot::Opens,
        _ => return Err("a line begins with seals or opens"),
    };
    let id = words.next().and_then(|id| id.parse().ok()).ok_or("no id, a number below 2^32")?;
    let digits = words.next().ok_or("no key")?;
    if words.next().is_some() {
        return Err("more than a word, an id and a key");
    }
    let secret = key_bytes(digits).map_err(|_| "the key is not 64 hexadecimal digits")?;
    Ok((slot, SealingKey::from_bytes(id, *secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Result<SealingKeys, StoreError> {
        let text = text.replace("A64", &"5a".repeat(32)).replace("B64", &"0f".repeat(32));
        SealingKeys::from_ring(&Secret::new(text))
    }

    #[test]
    fn a_ring_has_one_key_that_seals_and_maybe_one_that_only_opens() {
        let keys = ring("# rotation\n\n  opens 1 A64\r\nseals 4294967295 B64\n").unwrap();
        assert_eq!((keys.current.id(), keys.current.secret()), (u32::MAX, &[0x0f; 32]));
        let previous = keys.previous.unwrap();
        assert_eq!((previous.id(), previous.secret()), (1, &[0x5a; 32]));
        assert!(ring("seals 1 A64").unwrap().previous.is_none());
    }

    #[test]
    fn what_is_wrong_with_a_ring_is_named_by_line_and_no_key_is_shown() {
        for (text, said) in [
            ("", "no key that seals"),
            ("opens 1 A64", "no key that seals"),
            ("seals 1 A64\nseals 2 B64", "line 2: a second key that seals"),
            ("opens 1 A64\nopens 2 B64\nseals 3 A64", "line 2: a second key that only opens"),
            ("# x\nseal 1 A64", "line 2: a line begins with seals or opens"),
            ("seals one A64", "line 1: no id"),
            ("seals -1 A64", "line 1: no id"),
            ("seals 4294967296 A64", "line 1: no id"),
            ("seals 1", "line 1: no key"),
            ("seals 1 A645a", "line 1: the key is not"),
            ("seals 1 A64 B64", "line 1: more than"),
            ("seals 1 A64\nopens 1 B64", "two sealing keys share one id"),
        ] {
            let error = ring(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
            assert!(!error.contains("5a5a") && !error.contains("0f0f"));
        }
    }
}
