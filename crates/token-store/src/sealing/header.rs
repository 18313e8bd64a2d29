//! The header of a sealed value; its layout stands in [`super`].

/// The only format version. A value of another version is not read; there is no fallback to an older one.
pub(super) const FORMAT: u8 = 1;

/// How long a header is, in bytes.
pub(super) const HEADER_BYTES: usize = 1 + 4 + 32 + 12;

/// A random salt, one per subkey.
pub(super) type SaltBytes = [u8; 32];

/// What a value says about how it was sealed; nothing in it is believed before the value has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The master key.
    pub(super) key_id: u32,
    /// The subkey's salt.
    pub(super) salt: SaltBytes,
    /// The value's own nonce.
    pub(super) nonce: [u8; 12],
}

/// Why a header is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// The value is shorter than a header.
    Short,
    /// Another format version.
    Format,
}

impl Header {
    /// Appends the header.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.push(FORMAT);
        to.extend_from_slice(&self.key_id.to_be_bytes());
        to.extend_from_slice(&self.salt);
        to.extend_from_slice(&self.nonce);
    }

    /// Reads the header; its bytes are the first [`HEADER_BYTES`] of the value.
    pub(super) fn read(value: &[u8]) -> Result<Self, BadHeader> {
        let (&format, rest) = value.split_first().ok_or(BadHeader::Short)?;
        if format != FORMAT {
            return Err(BadHeader::Format);
        }
        let (key_id, rest) = rest.split_first_chunk().ok_or(BadHeader::Short)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(BadHeader::Short)?;
        let (nonce, _) = rest.split_first_chunk().ok_or(BadHeader::Short)?;
        Ok(Self { key_id: u32::from_be_bytes(*key_id), salt: *salt, nonce: *nonce })
    }
}
