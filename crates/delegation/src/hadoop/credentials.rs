//! Hadoop's token-storage file: the tokens and secrets that a job carries, each under an alias.
//!
//! | bytes | what |
//! |---|---|
//! | `HDTS` | magic |
//! | `00` | version 0; then `VInt` count, and for each token `Text` alias and the token; `VInt` count, and for each secret `Text` alias, `VInt` length and bytes |
//! | `01` | version 1; then one protobuf message, see [`protobuf`] |
//!
//! The source is Hadoop's `Credentials`. Both versions are read, and version 0 is written: every Hadoop reads it.
//! Tokens of all kinds and all secrets are kept as they are, so that a file of somebody else's can be added to. What this
//! reader does not know is an error and not skipped, because it would be lost when the file is written again.
//!
//! Everything is bounded by [`MAX_CREDENTIALS_BYTES`]: nothing is allocated that is not there, and no claimed length is
//! believed before the bytes are seen. Of two entries under one alias the later one counts, as in Hadoop.

mod protobuf;

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::{Reader, put_bytes, put_text, put_vlong};
use crate::token::decode_url;
use crate::{CredentialsError, Described, KIND, Malformed, TokenView};

/// The longest file that is read or written, in bytes.
pub const MAX_CREDENTIALS_BYTES: usize = 4 << 20;

/// The most tokens, and the most secrets, that a file may hold.
pub const MAX_CREDENTIALS_ENTRIES: usize = 4_096;

/// How every file begins.
const MAGIC: &[u8] = b"HDTS";

/// Hadoop's `Writable` form.
const WRITABLE: u8 = 0;

/// Hadoop's protobuf form.
const PROTOBUF: u8 = 1;

/// What lies in a token-storage file. `Debug` tells counts only.
#[derive(Default, PartialEq, Eq)]
pub struct Credentials {
    tokens: BTreeMap<String, Held>,
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

/// A token of any kind.
#[derive(PartialEq, Eq)]
struct Held {
    identifier: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
    kind: String,
    service: String,
}

impl Held {
    fn view(&self) -> TokenView<'_> {
        TokenView {
            identifier: &self.identifier,
            password: &self.password,
            kind: &self.kind,
            service: &self.service,
        }
    }
}

impl From<TokenView<'_>> for Held {
    fn from(view: TokenView<'_>) -> Self {
        Self {
            identifier: view.identifier.to_vec(),
            password: Zeroizing::new(view.password.to_vec()),
            kind: view.kind.to_owned(),
            service: view.service.to_owned(),
        }
    }
}

impl Credentials {
    /// No token and no secret.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether bytes begin as a token-storage file does.
    pub fn begin(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads a file of version 0 or 1.
    ///
    /// # Errors
    /// [`CredentialsError::Header`], [`CredentialsError::Version`], or the rule that the bytes break.
    pub fn read(bytes: &[u8]) -> Result<Self, CredentialsError> {
        if bytes.len() > MAX_CREDENTIALS_BYTES {
            return Err(CredentialsError::TooLong);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(CredentialsError::Header)?;
        let mut from = Reader::new(rest);
        match from.byte()? {
            WRITABLE => Self::read_writable(from),
            PROTOBUF => protobuf::read(from),
            version => Err(CredentialsError::Version(version)),
        }
    }

    fn read_writable(mut from: Reader<'_>) -> Result<Self, CredentialsError> {
        let mut read = Self::new();
        for _ in 0..from.count()? {
            let alias = from.text(MAX_CREDENTIALS_BYTES)?;
            let token = TokenView {
                identifier: from.bytes(MAX_CREDENTIALS_BYTES)?,
                password: from.bytes(MAX_CREDENTIALS_BYTES)?,
                kind: from.text(MAX_CREDENTIALS_BYTES)?,
                service: from.text(MAX_CREDENTIALS_BYTES)?,
            };
            read.keep_token(alias, token)?;
        }
        for _ in 0..from.count()? {
            let alias = from.text(MAX_CREDENTIALS_BYTES)?;
            read.keep_secret(alias, from.bytes(MAX_CREDENTIALS_BYTES)?)?;
        }
        from.finish()?;
        Ok(read)
    }

    /// The file's bytes, in version 0, aliases in order.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // All of it at once: a buffer that grows leaves copies of secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.most_bytes()));
        bytes.extend_from_slice(MAGIC);
        bytes.push(WRITABLE);
        put_count(&mut bytes, self.tokens.len());
        for (alias, token) in &self.tokens {
            put_text(&mut bytes, alias);
            put_bytes(&mut bytes, &token.identifier);
            put_bytes(&mut bytes, &token.password);
            put_text(&mut bytes, &token.kind);
            put_text(&mut bytes, &token.service);
        }
        put_count(&mut bytes, self.secrets.len());
        for (alias, secret) in &self.secrets {
            put_text(&mut bytes, alias);
            put_bytes(&mut bytes, secret);
        }
        bytes
    }

    /// No fewer bytes than the file has: no length here needs more than five.
    fn most_bytes(&self) -> usize {
        let token = |(alias, token): (&String, &Held)| {
            let Held { identifier, password, kind, service } = token;
            alias.len() + identifier.len() + password.len() + kind.len() + service.len() + 25
        };
        let secret = |(alias, secret): (&String, &Zeroizing<Vec<u8>>)| alias.len() + secret.len() + 10;
        15 + self.tokens.iter().map(token).sum::<usize>() + self.secrets.iter().map(secret).sum::<usize>()
    }

    /// All tokens of whatever kind with their aliases, which are in order.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, TokenView<'_>)> {
        self.tokens.iter().map(|(alias, token)| (alias.as_str(), token.view()))
    }

    /// The aliases of all secrets, in order.
    pub fn secret_aliases(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    /// A secret.
    pub fn secret(&self, alias: &str) -> Option<&[u8]> {
        self.secrets.get(alias).map(|secret| secret.as_slice())
    }

    /// Adds a token of ours, given as url string, under the service at which it is presented. The service is written
    /// into the token as well, as Hadoop's clients do; it is not under the MAC. One of our kind under that alias is
    /// replaced.
    ///
    /// # Errors
    /// [`CredentialsError::Form`] when it is no token of ours, [`CredentialsError::AliasTaken`] when a token of another
    /// kind has that alias, or [`CredentialsError::TooMany`] and [`CredentialsError::TooLong`] when the file is full.
    pub fn put_ours(&mut self, url: &str, service: &str) -> Result<(), CredentialsError> {
        let bytes = decode_url(url)?;
        let token = TokenView { service, ..TokenView::read_ours(&bytes)? };
        if self.tokens.get(service).is_some_and(|there| there.kind != KIND) {
            return Err(CredentialsError::AliasTaken);
        }
        let before = self.tokens.insert(service.to_owned(), token.into());
        let full = match () {
            () if self.tokens.len() > MAX_CREDENTIALS_ENTRIES => CredentialsError::TooMany,
            () if self.most_bytes() > MAX_CREDENTIALS_BYTES => CredentialsError::TooLong,
            () => return Ok(()),
        };
        match before {
            Some(before) => self.tokens.insert(service.to_owned(), before),
            None => self.tokens.remove(service),
        };
        Err(full)
    }

    /// The token of ours to present to brokers at these services (`host:port`): one that was written for any of them;
    /// when there is none, any, as long as all are for one cluster. Of several the one that can live longest.
    ///
    /// # Errors
    /// [`CredentialsError::Absent`] when there is no token of our kind, [`CredentialsError::Ambiguous`] when there are
    /// some for several clusters and nothing says which is meant, or [`CredentialsError::Form`] when the one that is
    /// meant breaks a rule.
    pub fn ours(&self, services: &[String]) -> Result<(TokenView<'_>, Described), CredentialsError> {
        let all = || self.tokens.values().map(Held::view).filter(|token| token.kind == KIND);
        let is_meant = |token: &TokenView<'_>| services.iter().any(|service| service == token.service);
        let meant = all().filter(is_meant);
        let told = |token: TokenView<'_>| token.described();
        let chosen = match longest(meant)? {
            Some(chosen) => chosen,
            None => longest(all())?.ok_or(CredentialsError::Absent)?,
        };
        let cluster = &chosen.1.identifier.cluster;
        let alone = is_meant(&chosen.0)
            || all().all(|token| told(token).is_ok_and(|other| other.identifier.cluster == *cluster));
        if alone { Ok(chosen) } else { Err(CredentialsError::Ambiguous) }
    }

    fn keep_token(&mut self, alias: &str, token: TokenView<'_>) -> Result<(), CredentialsError> {
        self.tokens.insert(alias.to_owned(), token.into());
        within(self.tokens.len())
    }

    fn keep_secret(&mut self, alias: &str, secret: &[u8]) -> Result<(), CredentialsError> {
        self.secrets.insert(alias.to_owned(), Zeroizing::new(secret.to_vec()));
        within(self.secrets.len())
    }
}

/// Of our tokens the one with the last max date.
fn longest<'a>(
    tokens: impl Iterator<Item = TokenView<'a>>,
) -> Result<Option<(TokenView<'a>, Described)>, Malformed> {
    let told = tokens.map(|token| token.described().map(|described| (token, described)));
    let told = told.collect::<Result<Vec<_>, _>>()?;
    Ok(told.into_iter().max_by_key(|(_, told)| (told.identifier.max_date, told.identifier.issued)))
}

fn within(entries: usize) -> Result<(), CredentialsError> {
    if entries > MAX_CREDENTIALS_ENTRIES { Err(CredentialsError::TooMany) } else { Ok(()) }
}

fn put_count(to: &mut Vec<u8>, count: usize) {
    put_vlong(to, i64::try_from(count).unwrap_or(i64::MAX));
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} tokens, {} secrets)", self.tokens.len(), self.secrets.len())
    }
}

#[cfg(test)]
mod tests;
