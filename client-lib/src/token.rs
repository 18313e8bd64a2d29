//! A storage token as the broker handed it out.

use std::time::Duration;

use aws_lc_rs::digest;
use lakegate_domain::{Credential, OperationSet, Part, StorageId, Timestamp};

use crate::freshness::{Life, Moment};

/// A storage token, what it covers and when it ends. `Debug` shows no secret.
#[derive(Debug)]
pub struct BrokeredToken {
    pub(crate) credential: Credential,
    pub(crate) expires_at: Timestamp,
    pub(crate) refresh_after: Option<Timestamp>,
    pub(crate) covered: Vec<Part>,
    pub(crate) closure: OperationSet,
    pub(crate) audit_id: String,
    pub(crate) ends_early: bool,
    pub(crate) storage: StorageId,
    pub(crate) life: Life,
    pub(crate) origin: Origin,
}

/// Why a token was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Somebody wanted it.
    Request,
    /// The storage had refused its predecessor.
    Rejection,
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// From a broker, just now; perhaps together with others who waited for the same call.
    Fresh,
    /// From the client tier, without a call.
    ClientTier,
}

/// A token and where it came from.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The token.
    pub token: std::sync::Arc<BrokeredToken>,
    /// Where it came from.
    pub served: Served,
}

impl BrokeredToken {
    /// The credential in the form its storage wants.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// When the provider ends the token.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// From when on the broker wants to be asked for a successor; the client does so by itself.
    pub fn refresh_after(&self) -> Option<Timestamp> {
        self.refresh_after
    }

    /// What the token is good for: 1 to 4 parts.
    pub fn covered(&self) -> &[Part] {
        &self.covered
    }

    /// Everything the token can really do, given what the provider cannot separate.
    pub fn closure(&self) -> OperationSet {
        self.closure
    }

    /// Finds the broker's decision in its audit log.
    pub fn audit_id(&self) -> &str {
        &self.audit_id
    }

    /// Whether the token ends with the permission, sooner than others of its class.
    pub fn ends_early(&self) -> bool {
        self.ends_early
    }

    /// The storage's name.
    pub fn storage(&self) -> &StorageId {
        &self.storage
    }

    /// What is left of the token at an instant of wall time, not counting the monotonic clock.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.expires_at.since(now)
    }

    /// SHA-256 of the token itself: the bearer token, the AWS session token, or the SAS query.
    pub(crate) fn digest(&self) -> TokenDigest {
        let secret = match &self.credential {
            Credential::Bearer(secret) | Credential::Sas(secret) => secret,
            Credential::Aws { session_token, .. } => session_token,
        };
        let digest = digest::digest(&digest::SHA256, secret.expose().as_bytes());
        TokenDigest(digest.as_ref().to_vec())
    }

    /// Whether whoever asks for these parts may be given this token. A token of several parts serves only
    /// requests of several parts: nobody gets one that can do more in another place than he asked about.
    pub(crate) fn serves_request(&self, asked: &[Part]) -> bool {
        (self.covered.len() == 1 || asked.len() > 1) && self.covers_all(asked)
    }

    /// Whether each part asked lies in some part of the token.
    pub(crate) fn covers_all(&self, asked: &[Part]) -> bool {
        asked.iter().all(|part| self.covered.iter().any(|mine| mine.covers(part)))
    }

    /// Whether the token may be served now.
    pub(crate) fn is_live(&self, now: Moment) -> bool {
        self.life.serves(now)
    }
}

/// SHA-256 of a token; tells the broker which one the storage refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest(pub(crate) Vec<u8>);
