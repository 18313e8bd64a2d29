//! The ring: the keys in force for one cluster, ready to sign and to verify.
//!
//! The bytes of a master key sign nothing themselves. HKDF-SHA-256 makes the signing key from them, the purpose and the
//! cluster, so that the same 32 bytes used to seal tokens, or in another cluster, are another key here.

mod text;

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::identifier::MAX_NAME_BYTES;
use crate::{DelegationKey, DelegationRefusal, KeyError, KeyId, KeyLife};

/// What keys are derived for; another use of the same master key takes another text.
const PURPOSE: &str = "lakegate.delegation-token.v1";

/// The keys in force for one cluster.
pub struct KeyRing {
    cluster: String,
    keys: Vec<Entry>,
    current: KeyId,
    signing: hmac::Key,
    /// Does the work that an unknown key would have done.
    dummy: hmac::Key,
}

struct Entry {
    id: KeyId,
    life: KeyLife,
    mac: hmac::Key,
}

impl KeyRing {
    /// A ring of keys, of which exactly one is current.
    ///
    /// # Errors
    /// When that is not so, two keys share an id, or the cluster has no name.
    pub fn new(
        cluster: &str,
        keys: impl IntoIterator<Item = (DelegationKey, KeyLife)>,
    ) -> Result<Self, KeyError> {
        if cluster.is_empty() || cluster.len() > MAX_NAME_BYTES {
            return Err(KeyError::Cluster);
        }
        let mut ring: Vec<Entry> = Vec::new();
        let mut current = None;
        for (key, life) in keys {
            if ring.iter().any(|known| known.id == key.id()) {
                return Err(KeyError::DuplicateId);
            }
            if life == KeyLife::Current
                && current.replace((key.id(), derive(&key, PURPOSE, cluster)?)).is_some()
            {
                return Err(KeyError::Current);
            }
            ring.push(Entry { id: key.id(), life, mac: derive(&key, PURPOSE, cluster)? });
        }
        let (current, signing) = current.ok_or(KeyError::Current)?;
        let dummy = derive(&DelegationKey::generate(current)?, "lakegate.delegation-token.dummy", cluster)?;
        Ok(Self { cluster: cluster.to_owned(), keys: ring, current, signing, dummy })
    }

    /// A ring of one key.
    ///
    /// # Errors
    /// When the cluster has no name.
    pub fn single(cluster: &str, key: DelegationKey) -> Result<Self, KeyError> {
        Self::new(cluster, [(key, KeyLife::Current)])
    }

    /// The cluster whose tokens it signs and believes.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The key that signs.
    pub fn current(&self) -> KeyId {
        self.current
    }

    /// The keys and where they stand.
    pub fn lives(&self) -> impl Iterator<Item = (KeyId, KeyLife)> {
        self.keys.iter().map(|entry| (entry.id, entry.life))
    }

    /// The MAC of an identifier under the current key.
    pub(crate) fn sign(&self, identifier: &[u8]) -> hmac::Tag {
        hmac::sign(&self.signing, identifier)
    }

    /// Compares a MAC in constant time. A key that may not verify costs what one that may does.
    pub(crate) fn check(&self, key: KeyId, identifier: &[u8], mac: &[u8]) -> Result<(), DelegationRefusal> {
        let known = self.keys.iter().find(|entry| entry.id == key && entry.life.verifies());
        let matches = hmac::verify(known.map_or(&self.dummy, |entry| &entry.mac), identifier, mac).is_ok();
        match known {
            Some(_) if matches => Ok(()),
            Some(_) => Err(DelegationRefusal::Mac),
            None => Err(DelegationRefusal::UnknownKey),
        }
    }
}

/// The key for one purpose in one cluster. Both stand after their length, so that no two pairs read alike.
fn derive(key: &DelegationKey, purpose: &str, cluster: &str) -> Result<hmac::Key, KeyError> {
    let length = |text: &str| u16::try_from(text.len()).map(u16::to_be_bytes).map_err(|_| KeyError::Cluster);
    let (purpose_length, cluster_length) = (length(purpose)?, length(cluster)?);
    let info = [&purpose_length[..], purpose.as_bytes(), &cluster_length[..], cluster.as_bytes()];
    let master = Salt::none(HKDF_SHA256).extract(key.secret());
    let derived = master.expand(&info, HMAC_SHA256).map_err(|_| KeyError::Crypto)?;
    Ok(hmac::Key::from(derived))
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lives: Vec<_> = self.lives().collect();
        f.debug_struct("KeyRing")
            .field("cluster", &self.cluster)
            .field("keys", &lives)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
