//! What an operator says about the keys that seal values.

use std::path::{Path, PathBuf};

use lakegate_domain::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{SealingKey, SealingKeys, StoreError};

/// The keys that seal values in the store: a key ring, which is followed while the process runs, or keys that stay
/// until a restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingSettings {
    /// The file of the key ring, readable by its owner only; see [`SealingKeys::from_ring`].
    #[serde(default)]
    pub ring: Option<PathBuf>,
    /// Seals and opens.
    #[serde(default)]
    pub current: Option<SealingKeySettings>,
    /// Only opens, while a rotation is under way.
    #[serde(default)]
    pub previous: Option<SealingKeySettings>,
}

/// One sealing key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingKeySettings {
    /// Its id; never reuse one.
    pub id: u32,
    /// The file that holds it: 64 hexadecimal digits, readable by its owner only.
    pub file: PathBuf,
}

impl SealingSettings {
    /// Joins the keys; `read` reads one secret file.
    ///
    /// # Errors
    /// What `read` says, [`StoreError::SealingSettings`], or what is wrong with a file: [`StoreError::KeyText`] when it
    /// is not 64 hexadecimal digits, and as [`SealingKeys::from_ring`].
    pub fn keys<E: From<StoreError>>(
        &self,
        read: impl Fn(&Path) -> Result<Secret, E>,
    ) -> Result<SealingKeys, E> {
        let key = |settings: &SealingKeySettings| -> Result<SealingKey, E> {
            Ok(SealingKey::from_bytes(settings.id, *key_bytes(read(&settings.file)?.expose())?))
        };
        match (&self.ring, &self.current, &self.previous) {
            (Some(ring), None, None) => Ok(SealingKeys::from_ring(&read(ring)?)?),
            (None, Some(current), previous) => {
                Ok(SealingKeys { current: key(current)?, previous: previous.as_ref().map(key).transpose()? })
            }
            _ => Err(StoreError::SealingSettings.into()),
        }
    }

    /// Everything that is wrong, each with its configuration key under `sealing`; `read` reads one secret file.
    pub fn problems(&self, read: impl Fn(&Path) -> Result<Secret, String>) -> Vec<(&'static str, String)> {
        let wrong = |error: StoreError| error.to_string();
        let ring = |file: &PathBuf| SealingKeys::from_ring(&read(file)?).map(drop).map_err(wrong);
        let key = |key: &SealingKeySettings| key_bytes(read(&key.file)?.expose()).map(drop).map_err(wrong);
        let files = [
            ("sealing.ring", self.ring.as_ref().map(ring)),
            ("sealing.current", self.current.as_ref().map(key)),
            ("sealing.previous", self.previous.as_ref().map(key)),
        ];
        let faulty = files.into_iter().filter_map(|(name, looked)| Some((name, looked?.err()?)));
        let mut problems: Vec<_> = faulty.collect();
        if !matches!((&self.ring, &self.current, &self.previous), (Some(_), None, None) | (None, Some(_), _))
        {
            problems.push(("sealing", StoreError::SealingSettings.to_string()));
        }
        if let (Some(current), Some(previous)) = (&self.current, &self.previous)
            && current.id == previous.id
        {
            problems.push(("sealing.previous.id", "is that of the current key; never reuse one".to_owned()));
        }
        problems
    }
}

/// The bytes of 64 hexadecimal digits.
pub(crate) fn key_bytes(text: &str) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let digits = text.trim();
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(StoreError::KeyText);
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| StoreError::KeyText)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| StoreError::KeyText)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_nothing_else() {
        let good = "0f".repeat(32) + "\n";
        assert_eq!(*key_bytes(&good).unwrap(), [0x0f; 32]);
        for bad in ["", "0f", &"zz".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert!(key_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_come_from_a_ring_or_from_files_of_their_own_and_never_from_both() {
        let read = |path: &Path| -> Result<Secret, StoreError> {
            let key = "0f".repeat(32);
            Ok(Secret::new(if path.ends_with("ring") { format!("seals 7 {key}") } else { key }))
        };
        let keys = |text: &str| toml::from_str::<SealingSettings>(text).unwrap().keys(read);
        assert_eq!(keys("ring = 'ring'").unwrap().current.id(), 7);
        let pair = keys("current = { id = 2, file = 'a' }\nprevious = { id = 1, file = 'b' }").unwrap();
        assert_eq!((pair.current.id(), pair.previous.unwrap().id()), (2, 1));
        for bad in
            ["", "previous = { id = 1, file = 'b' }", "ring = 'ring'\ncurrent = { id = 2, file = 'a' }"]
        {
            assert!(matches!(keys(bad), Err(StoreError::SealingSettings)), "{bad}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_under_its_own_key() {
        let read = |path: &Path| match path.to_str() {
            Some("good") => Ok(Secret::new("0f".repeat(32))),
            Some("ring") => Ok(Secret::new(format!("seals 7 {}", "0f".repeat(32)))),
            Some("bad") => Ok(Secret::new("hunter2".to_owned())),
            _ => Err("no such file".to_owned()),
        };
        let told = |text: &str| {
            let problems = toml::from_str::<SealingSettings>(text).unwrap().problems(read);
            assert!(problems.iter().all(|(_, problem)| !problem.contains("hunter2")), "{problems:?}");
            problems.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert!(told("ring = 'ring'").is_empty());
        assert!(told("current = { id = 2, file = 'good' }\nprevious = { id = 1, file = 'good' }").is_empty());
        assert_eq!(told(""), ["sealing"]);
        assert_eq!(
            told("ring = 'bad'\ncurrent = { id = 1, file = 'none' }"),
            ["sealing.ring", "sealing.current", "sealing"]
        );
        let twice = "current = { id = 1, file = 'bad' }\nprevious = { id = 1, file = 'none' }";
        assert_eq!(told(twice), ["sealing.current", "sealing.previous", "sealing.previous.id"]);
    }
}
