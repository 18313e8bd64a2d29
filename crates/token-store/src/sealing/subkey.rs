//! Subkeys: our own, which counts its nonces, and those of other process starts, kept for reading.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;

use super::header::SaltBytes;
use super::key::SealingKey;
use crate::StoreError;

/// How many values one subkey seals before it is replaced.
const MAX_SEALS: u64 = 1 << 32;

/// How many foreign subkeys are kept: a few process starts for each of some dozens of writers.
const MAX_FOREIGN: usize = 256;

/// Derives the subkey of a salt.
pub(super) fn derive(key: &SealingKey, salt: &SaltBytes, context: &[u8]) -> Result<LessSafeKey, StoreError> {
    let pseudo_random = Salt::new(HKDF_SHA256, salt).extract(key.secret());
    let info = [context];
    let subkey = pseudo_random.expand(&info, &AES_256_GCM).map_err(|_| StoreError::Sealing)?;
    Ok(LessSafeKey::new(UnboundKey::from(subkey)))
}

/// The subkey of this process start.
pub(super) struct OwnSubkey {
    /// Its salt, drawn at random.
    pub(super) salt: SaltBytes,
    /// The key.
    pub(super) key: LessSafeKey,
    sealed: AtomicU64,
}

impl OwnSubkey {
    /// Draws a salt and derives its subkey.
    pub(super) fn generate(key: &SealingKey, context: &[u8]) -> Result<Self, StoreError> {
        let mut salt = [0; 32];
        rand::fill(&mut salt).map_err(|_| StoreError::Sealing)?;
        Ok(Self { salt, key: derive(key, &salt, context)?, sealed: AtomicU64::new(0) })
    }

    /// A nonce never given before under this subkey; none when all are spent.
    pub(super) fn next_nonce(&self) -> Result<Option<[u8; 12]>, StoreError> {
        let Ok(count) = u32::try_from(self.sealed.fetch_add(1, Ordering::Relaxed)) else {
            self.sealed.store(MAX_SEALS, Ordering::Relaxed);
            return Ok(None);
        };
        let mut nonce = [0; 12];
        let (counter, random) = nonce.split_at_mut(4);
        counter.copy_from_slice(&count.to_be_bytes());
        rand::fill(random).map_err(|_| StoreError::Sealing)?;
        Ok(Some(nonce))
    }

    /// The same subkey with the same past, as after a fork.
    #[cfg(test)]
    pub(super) fn forked(&self, key: &SealingKey, context: &[u8]) -> Result<Self, StoreError> {
        let sealed = AtomicU64::new(self.sealed.load(Ordering::Relaxed));
        Ok(Self { salt: self.salt, key: derive(key, &self.salt, context)?, sealed })
    }

    /// Spends nonces until so many are left.
    #[cfg(test)]
    pub(super) fn leave(&self, nonces: u64) {
        self.sealed.store(MAX_SEALS - nonces, Ordering::Relaxed);
    }
}

impl fmt::Debug for OwnSubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnSubkey").field("sealed", &self.sealed).finish_non_exhaustive()
    }
}

/// Which subkey: the master key's id and the salt.
pub(super) type SubkeyName = (u32, SaltBytes);

/// Subkeys of other process starts. One comes in only after it has opened a value, so invented salts cost a
/// derivation each and push nothing out; the oldest leaves when the room is full.
#[derive(Default)]
pub(super) struct ForeignSubkeys(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    keys: HashMap<SubkeyName, Arc<LessSafeKey>>,
    order: VecDeque<SubkeyName>,
}

impl ForeignSubkeys {
    /// The subkey, if it is kept.
    pub(super) fn get(&self, name: &SubkeyName) -> Option<Arc<LessSafeKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys.get(name).cloned()
    }

    /// Keeps a subkey that has opened a value.
    pub(super) fn keep(&self, name: SubkeyName, key: Arc<LessSafeKey>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.keys.insert(name, key).is_some() {
            return;
        }
        kept.order.push_back(name);
        if kept.order.len() > MAX_FOREIGN
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.keys.remove(&oldest);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys.len()
    }
}

impl fmt::Debug for ForeignSubkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignSubkeys")
    }
}
