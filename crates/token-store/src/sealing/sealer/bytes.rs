//! Sealing of bytes of any kind, bound to the place where they stand.

use aws_lc_rs::aead::{Aad, Nonce};
use zeroize::Zeroizing;

use super::super::header::{BadHeader, HEADER_BYTES, Header};
use super::{Sealer, TAG_BYTES};
use crate::StoreError;
use crate::alarms::Distrust;

/// How many bytes sealing adds.
pub(crate) const SEAL_BYTES: usize = HEADER_BYTES + TAG_BYTES;

impl Sealer {
    /// Seals bytes; they open in the same place only. `place` is under the seal and not in the value.
    pub(crate) fn seal_bytes(&self, place: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (subkey, nonce) = self.next_nonce()?;
        let mut value = Vec::with_capacity(plaintext.len() + SEAL_BYTES);
        Header { key_id: self.keys.current.id(), salt: subkey.salt, nonce }.write(&mut value);
        let aad = [&value, place, &self.context].concat();
        value.extend_from_slice(plaintext);
        let (_, secret) = value.split_at_mut_checked(HEADER_BYTES).ok_or(StoreError::Sealing)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = subkey.key.seal_in_place_separate_tag(nonce, Aad::from(aad.as_slice()), secret);
        if let Ok(tag) = sealed {
            value.extend_from_slice(tag.as_ref());
            Ok(value)
        } else {
            drop(Zeroizing::new(value));
            Err(StoreError::Sealing)
        }
    }

    /// Whether a value says that it is sealed with the key that seals now.
    pub(crate) fn is_current(&self, value: &[u8]) -> bool {
        Header::read(value).is_ok_and(|header| header.key_id == self.keys.current.id())
    }

    /// Opens bytes that were sealed for a place.
    pub(crate) fn open_bytes(
        &self,
        place: &[u8],
        mut value: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, Distrust> {
        let header = Header::read(&value).map_err(|bad| match bad {
            BadHeader::Short => Distrust::Tampered,
            BadHeader::Format => Distrust::UnknownFormat,
        })?;
        let (head, sealed) = value.split_at_mut_checked(HEADER_BYTES).ok_or(Distrust::Tampered)?;
        let aad = [head, place, &self.context].concat();
        let plaintext = self.decrypt(&header, &aad, sealed)?.to_vec();
        drop(Zeroizing::new(value));
        Ok(Zeroizing::new(plaintext))
    }
}
