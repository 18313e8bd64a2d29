//! What a sealed value says once it is open. One encoding: what decodes encodes to the same bytes.
//!
//! Numbers are big-endian, instants are milliseconds since the epoch:
//!
//! | bytes | field |
//! |---|---|
//! | 32 | scope key |
//! | 8 | storage generation |
//! | 8, 8 | minted at, expires at |
//! | 8 | snapshot number |
//! | 1 | credential kind: 1 bearer, 2 AWS triple, 3 shared access signature |
//! | 4 + n | each text of the credential after its length: one, three or one |
//!
//! Nothing may follow.

use lakegate_domain::{AccessToken, Credential, Secret, Timestamp};
use lakegate_policy::{Scope, ScopeKey};

const BEARER: u8 = 1;
const AWS: u8 = 2;
const SAS: u8 = 3;

/// The fields before the credential, in bytes.
const FIXED_BYTES: usize = 32 + 8 + 8 + 8 + 8 + 1;

/// An opened value. Its token's tag is that of the scope key *inside*; compare before use.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The whole key of the scope the token was minted for.
    pub(crate) key: [u8; 32],
    /// The storage's generation when it was minted.
    pub(crate) generation: u64,
    /// When it was minted.
    pub(crate) minted_at: Timestamp,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
    /// The snapshot that allowed the minting.
    pub(crate) snapshot: u64,
    /// The credential.
    pub(crate) credential: Credential,
}

impl Opened {
    /// The token, for the scope it was found to be for.
    pub(crate) fn into_token(self, key: ScopeKey) -> AccessToken {
        AccessToken {
            credential: self.credential,
            minted_at: self.minted_at,
            expires_at: self.expires_at,
            scope_tag: key.tag(),
            snapshot: self.snapshot,
        }
    }
}

/// How many bytes [`encode`] will append: buffers are made this large at once, so that no reallocation leaves a
/// copy of a secret behind.
pub(super) fn encoded_len(credential: &Credential) -> usize {
    texts(credential).1.iter().flatten().fold(FIXED_BYTES, |sum, text| sum + 4 + text.len())
}

/// What a value says it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purport {
    /// The scope's key.
    pub(super) key: ScopeKey,
    /// The storage's generation.
    pub(super) generation: u64,
}

impl From<&Scope> for Purport {
    fn from(scope: &Scope) -> Self {
        Self { key: scope.key(), generation: scope.generation() }
    }
}

/// Appends the encoding.
pub(super) fn encode(purport: Purport, token: &AccessToken, to: &mut Vec<u8>) {
    to.extend_from_slice(purport.key.as_bytes());
    to.extend_from_slice(&purport.generation.to_be_bytes());
    to.extend_from_slice(&token.minted_at.as_millis().to_be_bytes());
    to.extend_from_slice(&token.expires_at.as_millis().to_be_bytes());
    to.extend_from_slice(&token.snapshot.to_be_bytes());
    let (kind, texts) = texts(&token.credential);
    to.push(kind);
    for text in texts.into_iter().flatten() {
        // A text beyond 4 GiB cannot exist here: the value's cap is checked before.
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        to.extend_from_slice(&len.to_be_bytes());
        to.extend_from_slice(text.as_bytes());
    }
}

fn texts(credential: &Credential) -> (u8, [Option<&str>; 3]) {
    match credential {
        Credential::Bearer(token) => (BEARER, [Some(token.expose()), None, None]),
        Credential::Aws { access_key_id, secret_access_key, session_token } => {
            (AWS, [Some(access_key_id), Some(secret_access_key.expose()), Some(session_token.expose())])
        }
        Credential::Sas(query) => (SAS, [Some(query.expose()), None, None]),
    }
}

/// Reads an encoding; none for anything else, trailing bytes included.
pub(super) fn decode(bytes: &[u8]) -> Option<Opened> {
    let mut reader = Reader(bytes);
    let opened = Opened {
        key: *reader.array()?,
        generation: u64::from_be_bytes(*reader.array()?),
        minted_at: Timestamp::from_millis(i64::from_be_bytes(*reader.array()?)),
        expires_at: Timestamp::from_millis(i64::from_be_bytes(*reader.array()?)),
        snapshot: u64::from_be_bytes(*reader.array()?),
        credential: reader.credential()?,
    };
    reader.0.is_empty().then_some(opened)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::try_from(u32::from_be_bytes(*self.array()?)).ok()?;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }

    fn secret(&mut self) -> Option<Secret> {
        self.text().map(Secret::new)
    }

    fn credential(&mut self) -> Option<Credential> {
        let [kind] = *self.array()?;
        match kind {
            BEARER => Some(Credential::Bearer(self.secret()?)),
            AWS => Some(Credential::Aws {
                access_key_id: self.text()?,
                secret_access_key: self.secret()?,
                session_token: self.secret()?,
            }),
            SAS => Some(Credential::Sas(self.secret()?)),
            _ => None,
        }
    }
}
