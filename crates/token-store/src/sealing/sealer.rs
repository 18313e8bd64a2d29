//! Seals and opens values.

mod bytes;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use lakegate_domain::AccessToken;
use lakegate_policy::{Scope, ScopeKey};
use zeroize::Zeroizing;

use super::header::{BadHeader, HEADER_BYTES, Header};
use super::key::{SealingKey, SealingKeys};
use super::plaintext::{self, Opened, Purport};
use super::subkey::{ForeignSubkeys, OwnSubkey, derive};
use crate::alarms::Distrust;
use crate::{MAX_VALUE_BYTES, StoreError};

pub(crate) use bytes::SEAL_BYTES;

/// What values are sealed for; another use of the same master key takes another text.
const PURPOSE: &str = "lakegate.access-token.v1";

/// The authentication tag, in bytes.
const TAG_BYTES: usize = 16;

/// Seals and opens access tokens of one cluster.
#[derive(Debug)]
pub(crate) struct Sealer {
    keys: SealingKeys,
    /// Purpose and cluster, each after its length in two bytes.
    context: Vec<u8>,
    own: ArcSwap<OwnSubkey>,
    replacing: Mutex<()>,
    foreign: ForeignSubkeys,
}

impl Sealer {
    /// Derives this start's subkey.
    pub(crate) fn new(keys: SealingKeys, cluster: &str) -> Result<Self, StoreError> {
        Self::for_purpose(PURPOSE, keys, cluster)
    }

    /// Seals for one use of the master keys only. What was sealed for another use does not open: the purpose is
    /// in the subkey's derivation and in the associated data.
    pub(crate) fn for_purpose(purpose: &str, keys: SealingKeys, cluster: &str) -> Result<Self, StoreError> {
        if cluster.is_empty() || cluster.len() > 256 {
            return Err(StoreError::ClusterName);
        }
        keys.check()?;
        let mut context = Vec::new();
        for text in [purpose, cluster] {
            let len = u16::try_from(text.len()).map_err(|_| StoreError::ClusterName)?;
            context.extend_from_slice(&len.to_be_bytes());
            context.extend_from_slice(text.as_bytes());
        }
        let own = OwnSubkey::generate(&keys.current, &context)?;
        Ok(Self {
            keys,
            context,
            own: ArcSwap::from_pointee(own),
            replacing: Mutex::default(),
            foreign: ForeignSubkeys::default(),
        })
    }

    /// Refuses keys that come in the place of these under an id that means another key here: what the one sealed, the
    /// other would take for tampered with.
    pub(crate) fn check_ids(&self, keys: &SealingKeys) -> Result<(), StoreError> {
        let differs =
            |key: &SealingKey| self.keys.find(key.id()).is_some_and(|own| own.secret() != key.secret());
        let mut keys = std::iter::once(&keys.current).chain(&keys.previous);
        if keys.any(differs) { Err(StoreError::KeyIdReused) } else { Ok(()) }
    }

    /// Seals a token under its scope's key.
    pub(crate) fn seal(&self, scope: &Scope, token: &AccessToken) -> Result<Vec<u8>, StoreError> {
        self.seal_under(&scope.key(), scope.into(), token)
    }

    /// Seals under a key what purports to be for a scope; in an honest process the two agree.
    fn seal_under(
        &self,
        key: &ScopeKey,
        purport: Purport,
        token: &AccessToken,
    ) -> Result<Vec<u8>, StoreError> {
        let len = HEADER_BYTES + plaintext::encoded_len(&token.credential) + TAG_BYTES;
        if len > MAX_VALUE_BYTES {
            return Err(StoreError::TooLarge);
        }
        let (subkey, nonce) = self.next_nonce()?;
        let mut value = Vec::with_capacity(len);
        Header { key_id: self.keys.current.id(), salt: subkey.salt, nonce }.write(&mut value);
        let aad = self.associated_data(&value, key);
        plaintext::encode(purport, token, &mut value);
        let (_, secret) = value.split_at_mut_checked(HEADER_BYTES).ok_or(StoreError::Sealing)?;
        let sealed = subkey.key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad.as_slice()),
            secret,
        );
        if let Ok(tag) = sealed {
            value.extend_from_slice(tag.as_ref());
            Ok(value)
        } else {
            drop(Zeroizing::new(value));
            Err(StoreError::Sealing)
        }
    }

    /// Seals under one scope's key what purports to be for another, as a process with a fault would.
    #[cfg(test)]
    pub(crate) fn seal_purporting(
        &self,
        under: &Scope,
        inside: &Scope,
        generation: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let token = crate::test_tokens::bearer(inside, "t");
        self.seal_under(&under.key(), Purport { key: inside.key(), generation }, &token)
    }

    /// Opens what the store returned for a key. The plaintext is overwritten when it has been read.
    pub(crate) fn open(&self, key: &ScopeKey, value: Vec<u8>) -> Result<Opened, Distrust> {
        let mut value = Zeroizing::new(value);
        if value.len() > MAX_VALUE_BYTES {
            return Err(Distrust::Tampered);
        }
        let header = Header::read(&value).map_err(|bad| match bad {
            BadHeader::Short => Distrust::Tampered,
            BadHeader::Format => Distrust::UnknownFormat,
        })?;
        let (head, sealed) = value.split_at_mut_checked(HEADER_BYTES).ok_or(Distrust::Tampered)?;
        let aad = self.associated_data(head, key);
        let plaintext = self.decrypt(&header, &aad, sealed)?;
        plaintext::decode(plaintext).ok_or(Distrust::Malformed)
    }

    fn decrypt<'v>(&self, header: &Header, aad: &[u8], sealed: &'v mut [u8]) -> Result<&'v [u8], Distrust> {
        let open = |key: &LessSafeKey, sealed: &'v mut [u8]| {
            key.open_in_place(Nonce::assume_unique_for_key(header.nonce), Aad::from(aad), sealed)
                .map(|plaintext| &*plaintext)
                .map_err(|_| Distrust::Tampered)
        };
        let own = self.own.load();
        if own.salt == header.salt && self.keys.current.id() == header.key_id {
            return open(&own.key, sealed);
        }
        let name = (header.key_id, header.salt);
        if let Some(key) = self.foreign.get(&name) {
            return open(&key, sealed);
        }
        let master = self.keys.find(header.key_id).ok_or(Distrust::UnknownKey)?;
        let key = derive(master, &header.salt, &self.context).map_err(|_| Distrust::Tampered)?;
        let plaintext = open(&key, sealed)?;
        self.foreign.keep(name, Arc::new(key));
        Ok(plaintext)
    }

    /// The subkey in force with a fresh nonce; a spent subkey is replaced first.
    fn next_nonce(&self) -> Result<(Arc<OwnSubkey>, [u8; 12]), StoreError> {
        loop {
            let subkey = self.own.load_full();
            if let Some(nonce) = subkey.next_nonce()? {
                return Ok((subkey, nonce));
            }
            let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&subkey, &self.own.load()) {
                self.own.store(Arc::new(OwnSubkey::generate(&self.keys.current, &self.context)?));
            }
        }
    }

    /// Header, whole scope key, purpose and cluster.
    fn associated_data(&self, header: &[u8], key: &ScopeKey) -> Vec<u8> {
        [header, key.as_bytes(), &self.context].concat()
    }
}

#[cfg(test)]
mod tests;
