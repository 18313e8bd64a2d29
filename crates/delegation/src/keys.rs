//! Keys: 32 random bytes with an id and a place in their life.

use std::fmt;

use aws_lc_rs::rand;
use lakegate_domain::Secret;
use zeroize::Zeroizing;

use crate::KeyError;

/// Names a key, at most 2,147,483,647: Hadoop's master key id is a signed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u32);

impl KeyId {
    /// Checks a number and makes the id.
    ///
    /// # Errors
    /// [`KeyError::Id`] beyond the largest.
    pub fn new(id: u32) -> Result<Self, KeyError> {
        if i32::try_from(id).is_ok() { Ok(Self(id)) } else { Err(KeyError::Id) }
    }

    /// The number.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where a key stands in its life. It moves down this list only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyLife {
    /// Handed out to every broker before it is used; nothing is signed with it, so nothing it signed is believed.
    Prepared,
    /// Signs and verifies.
    Current,
    /// Verifies what it signed, until the last of that has expired.
    Verifying,
    /// Over. Kept only so that its id is not used again.
    Retired,
}

impl KeyLife {
    /// Whether tokens that name the key may be believed.
    pub(crate) const fn verifies(self) -> bool {
        matches!(self, Self::Current | Self::Verifying)
    }
}

/// A master key. The secret is overwritten on drop and never printed.
pub struct DelegationKey {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl DelegationKey {
    /// A key from 32 bytes of a random generator. The id tells keys apart; never reuse one.
    pub fn from_bytes(id: KeyId, secret: [u8; 32]) -> Self {
        Self { id, secret: Zeroizing::new(secret) }
    }

    /// A key from a file's text: 64 hexadecimal digits, with or without white space around them.
    ///
    /// # Errors
    /// [`KeyError::Text`] for any other text.
    pub fn from_hex(id: KeyId, text: &Secret) -> Result<Self, KeyError> {
        let digits = text.expose().trim().as_bytes();
        let mut secret = Zeroizing::new([0; 32]);
        if digits.len() != 2 * secret.len() {
            return Err(KeyError::Text);
        }
        for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
                *byte = *byte << 4 | value.ok_or(KeyError::Text)?;
            }
        }
        Ok(Self { id, secret })
    }

    /// A random key.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the machine has no randomness.
    pub fn generate(id: KeyId) -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(&mut *secret).map_err(|_| KeyError::Crypto)?;
        Ok(Self { id, secret })
    }

    /// The key's id, as it stands in the tokens it signed.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for DelegationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelegationKey").field("id", &self.id).field("secret", &"[redacted]").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_nothing_else() {
        let id = KeyId::new(7).unwrap();
        let good = Secret::new("0F".repeat(32) + "\n");
        assert_eq!(DelegationKey::from_hex(id, &good).unwrap().secret(), &[0x0f; 32]);
        for bad in ["", "0f", &"zz".repeat(32), &"0f".repeat(33), &"é".repeat(32), &"+f".repeat(32)] {
            let bad = Secret::new((*bad).to_owned());
            assert_eq!(DelegationKey::from_hex(id, &bad).unwrap_err(), KeyError::Text, "{}", bad.expose());
        }
    }

    #[test]
    fn an_id_fits_hadoops_signed_number() {
        assert!(KeyId::new(2_147_483_647).is_ok());
        assert_eq!(KeyId::new(2_147_483_648), Err(KeyError::Id));
    }

    #[test]
    fn lg01_a_key_prints_without_its_secret() {
        let key = DelegationKey::from_bytes(KeyId::new(1).unwrap(), [0xab; 32]);
        let shown = format!("{key:?} {key:#?}");
        assert!(shown.contains("[redacted]") && !shown.contains("171") && !shown.contains("ab, ab"));
    }
}
