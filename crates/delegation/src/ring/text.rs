//! Keys in one file, which a rotation replaces as a whole.
//!
//! A line for each key: what it does, its id, its 32 bytes as hexadecimal digits. Exactly one key signs, and verifies
//! what it signed; any number only verify. Empty lines and lines that begin with `#` say nothing.
//!
//! ```text
//! # the key since March, and the one before
//! signs 2 5a5a...
//! verifies 1 0f0f...
//! ```

use lakegate_domain::Secret;

use super::KeyRing;
use crate::{DelegationKey, KeyError, KeyId, KeyLife};

impl KeyRing {
    /// Reads the ring of a cluster.
    ///
    /// # Errors
    /// [`KeyError::Line`] with the line at fault, and as [`KeyRing::new`].
    pub fn from_text(cluster: &str, text: &Secret) -> Result<Self, KeyError> {
        let lines = (1..).zip(text.expose().lines().map(str::trim));
        let said = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        let keys = said.map(|(line, text)| entry(text).map_err(|problem| KeyError::Line { line, problem }));
        Self::new(cluster, keys.collect::<Result<Vec<_>, _>>()?)
    }
}

fn entry(text: &str) -> Result<(DelegationKey, KeyLife), &'static str> {
    let mut words = text.split_ascii_whitespace();
    let life = match words.next() {
        Some("signs") => KeyLife::Current,
        Some("verifies") => KeyLife::Verifying,
        _ => return Err("a line begins with signs or verifies"),
    };
    let id = words.next().and_then(|id| KeyId::new(id.parse().ok()?).ok());
    let id = id.ok_or("no id, a number below 2^31")?;
    let digits = Secret::new(words.next().ok_or("no key")?.to_owned());
    if words.next().is_some() {
        return Err("more than a word, an id and a key");
    }
    let key = DelegationKey::from_hex(id, &digits).map_err(|_| "the key is not 64 hexadecimal digits")?;
    Ok((key, life))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Result<KeyRing, KeyError> {
        let text = text.replace("A64", &"5a".repeat(32)).replace("B64", &"0f".repeat(32));
        KeyRing::from_text("lake", &Secret::new(text))
    }

    #[test]
    fn one_key_of_a_text_signs_and_the_others_only_verify() {
        let ring = ring("# rotation\n\n verifies 1 A64\r\nsigns 2147483647 B64\nverifies 3 A64").unwrap();
        let lives: Vec<_> = ring.lives().map(|(id, life)| (id.as_u32(), life)).collect();
        let verifying = KeyLife::Verifying;
        assert_eq!(lives, [(1, verifying), (2_147_483_647, KeyLife::Current), (3, verifying)]);
    }

    #[test]
    fn what_is_wrong_with_a_text_is_named_by_line_and_no_key_is_shown() {
        for (text, said) in [
            ("", "not exactly one"),
            ("verifies 1 A64", "not exactly one"),
            ("signs 1 A64\nsigns 2 B64", "not exactly one"),
            ("signs 1 A64\nverifies 1 B64", "the same id"),
            ("# x\nsign 1 A64", "line 2: a line begins"),
            ("signs 2147483648 A64", "line 1: no id"),
            ("signs 1", "line 1: no key"),
            ("signs 1 A645a", "line 1: the key is not"),
            ("signs 1 A64 B64", "line 1: more than"),
        ] {
            let error = ring(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
            assert!(!error.contains("5a5a") && !error.contains("0f0f"));
        }
    }
}
