//! The ring: the keys in force for one cluster, ready to sign and to verify.
//!
//! The bytes of a master key sign nothing themselves. HKDF-SHA-256 makes the signing key from them, the purpose and the
//! cluster, so that the same 32 bytes used to seal tokens, or in another cluster, are another key here.

mod text;

use std::fmt;

use aws_lc_rs::constant_time;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::identifier::MAX_NAME_BYTES;
use crate::{Binding, DelegationKey, DelegationRefusal, KeyError, KeyId, KeyLife};

/// What keys are derived for; another use of the same master key takes another text.
const PURPOSE: &str = "lakegate.delegation-token.v1";

/// What keys for bound tokens are derived for: no MAC of one kind is ever one of the other.
const BOUND_PURPOSE: &str = "lakegate.delegation-token.bound.v1";

/// The keys in force for one cluster.
pub struct KeyRing {
    cluster: String,
    keys: Vec<Entry>,
    /// Signs; none while the keys are not known yet.
    signing: Option<(KeyId, Macs)>,
    /// Does the work that an unknown key would have done.
    dummy: Macs,
}

struct Entry {
    id: KeyId,
    life: KeyLife,
    macs: Macs,
}

/// The keys that one master key gives.
struct Macs {
    free: hmac::Key,
    bound: hmac::Key,
}

impl Macs {
    fn of(key: &DelegationKey, cluster: &str) -> Result<Self, KeyError> {
        Ok(Self { free: derive(key, PURPOSE, cluster)?, bound: derive(key, BOUND_PURPOSE, cluster)? })
    }

    /// The MAC of an identifier, and of what it is bound to.
    fn sign(&self, identifier: &[u8], binding: Option<&Binding>) -> hmac::Tag {
        match binding {
            None => hmac::sign(&self.free, identifier),
            Some(binding) => {
                let mut mac = hmac::Context::with_key(&self.bound);
                mac.update(&[binding.kind().code()]);
                mac.update(binding.digest());
                mac.update(identifier);
                mac.sign()
            }
        }
    }

    /// Compares in constant time.
    fn matches(&self, identifier: &[u8], binding: Option<&Binding>, mac: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(self.sign(identifier, binding).as_ref(), mac).is_ok()
    }
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
            if life == KeyLife::Current && current.replace((key.id(), Macs::of(&key, cluster)?)).is_some() {
                return Err(KeyError::Current);
            }
            ring.push(Entry { id: key.id(), life, macs: Macs::of(&key, cluster)? });
        }
        let signing = current.ok_or(KeyError::Current)?;
        let dummy = Macs::of(&DelegationKey::generate(signing.0)?, cluster)?;
        Ok(Self { cluster: cluster.to_owned(), keys: ring, signing: Some(signing), dummy })
    }

    /// A ring of no key, for as long as nobody knows them: it signs and believes nothing.
    ///
    /// # Errors
    /// When the cluster has no name, or the machine no randomness.
    pub fn waiting(cluster: &str) -> Result<Self, KeyError> {
        let dummy = DelegationKey::generate(KeyId::new(0)?)?;
        let Self { cluster, dummy, .. } = Self::single(cluster, dummy)?;
        Ok(Self { cluster, keys: Vec::new(), signing: None, dummy })
    }

    /// Whether its keys are not known yet.
    pub fn is_waiting(&self) -> bool {
        self.signing.is_none()
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

    /// The key that signs; none in a ring that waits for its keys.
    pub fn current(&self) -> Option<KeyId> {
        self.signing.as_ref().map(|(id, _)| *id)
    }

    /// The keys and where they stand.
    pub fn lives(&self) -> impl Iterator<Item = (KeyId, KeyLife)> {
        self.keys.iter().map(|entry| (entry.id, entry.life))
    }

    /// The MAC of an identifier and its binding under the current key.
    pub(crate) fn sign(&self, identifier: &[u8], binding: Option<&Binding>) -> Option<hmac::Tag> {
        self.signing.as_ref().map(|(_, macs)| macs.sign(identifier, binding))
    }

    /// Compares a MAC in constant time, as that of a free token and then of one bound to each of these. A key that may
    /// not verify costs what one that may does.
    pub(crate) fn check(
        &self,
        key: KeyId,
        identifier: &[u8],
        mac: &[u8],
        bindings: &[Binding],
    ) -> Result<Option<Binding>, DelegationRefusal> {
        let known = self.keys.iter().find(|entry| entry.id == key && entry.life.verifies());
        let macs = known.map_or(&self.dummy, |entry| &entry.macs);
        let candidates = std::iter::once(None).chain(bindings.iter().map(Some));
        let found = candidates.into_iter().find(|binding| macs.matches(identifier, *binding, mac));
        match (known, found) {
            (Some(_), Some(binding)) => Ok(binding.copied()),
            (Some(_), None) => Err(DelegationRefusal::Mac),
            (None, _) => Err(DelegationRefusal::UnknownKey),
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
