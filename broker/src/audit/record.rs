//! What an audit record says. One JSON object on one line; never a secret, never an unchecked text.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lakegate_delegation::TokenId;
use lakegate_domain::{ApplicationId, DatasetName, Part, Principal, ProfileName, RuleId, Timestamp};
use serde::{Serialize, Serializer};

use crate::Peer;
use crate::identity::{HostName, Identity, Standing};
use crate::nameless::{Fingerprint, Nameless};

/// Finds one request in the audit log: the process's random number and a counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuditId(Arc<str>);

impl AuditId {
    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes the ids of one process.
#[derive(Debug)]
pub struct AuditIds {
    process: u64,
    next: AtomicU64,
}

impl AuditIds {
    /// Ids that start with this random number.
    pub fn new(process: u64) -> Self {
        Self { process, next: AtomicU64::new(0) }
    }

    /// The next id.
    pub fn next(&self) -> AuditId {
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        AuditId(format!("{:016x}-{sequence}", self.process).into())
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It was answered with what it asked for.
    Allow,
    /// It was refused.
    Deny,
    /// It failed although nobody refused it.
    Error,
}

/// One request, as security people read it later.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When it was answered.
    pub time: Timestamp,
    /// Its id, also in the answer.
    #[serde(serialize_with = "id")]
    pub audit_id: AuditId,
    /// The method, as in the path of the call.
    pub rpc: &'static str,
    /// Where the call came from.
    pub peer: SocketAddr,
    /// Who asked; absent when nobody is known. Its rights decided, unless it asked on somebody's behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// How the caller proved itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<&'static str>,
    /// What the caller's certificate says of it.
    #[serde(flatten)]
    pub certificate: CertificateWords,
    /// The id of the delegation token that the caller came by.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "token_id")]
    pub delegation_token: Option<TokenId>,
    /// What that token is bound to; whoever holds an unbound one can use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<&'static str>,
    /// On whose behalf it asked: whose rights decided. With a delegation token that a proxy got, its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Principal>,
    /// Of whom an administrator asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Principal>,
    /// What was asked; only parts that are valid.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "parts")]
    pub parts: Vec<Part>,
    /// How it ended.
    pub decision: Decision,
    /// Why, from a closed list.
    pub reason: &'static str,
    /// The deny rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The policy that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<u64>,
    /// The delegation token that was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedToken>,
    /// The delegation token that was to be renewed or cancelled; absent unless it is genuine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<NamedToken>,
    /// What was handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<HandedOut>,
}

/// What left with an answer.
#[derive(Debug, Clone, Serialize)]
pub struct HandedOut {
    /// The scope's key, in hexadecimal.
    pub scope: String,
    /// What the token can do.
    #[serde(serialize_with = "parts")]
    pub covered: Vec<Part>,
    /// Everything it can really do.
    pub closure: String,
    /// The home datasets.
    pub datasets: Vec<DatasetName>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Which tier it came from.
    pub tier: &'static str,
}

/// A delegation token that was issued to the record's principal; the token itself is not here.
#[derive(Debug, Clone, Serialize)]
pub struct IssuedToken {
    /// Its id: later records name it.
    #[serde(serialize_with = "display")]
    pub id: TokenId,
    /// Who may renew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewer: Option<Principal>,
    /// What it is bound to; an unbound one is good for whoever holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<&'static str>,
    /// Until when it must be renewed.
    pub renew_before: Timestamp,
    /// Beyond which no renewal goes.
    pub max_date: Timestamp,
    /// The key that signed it.
    pub key: u32,
}

/// A delegation token that somebody renewed or cancelled, or wanted to; the token itself is not here.
#[derive(Debug, Clone, Serialize)]
pub struct NamedToken {
    /// Its id.
    #[serde(serialize_with = "display")]
    pub id: TokenId,
    /// Whose it is.
    pub owner: Principal,
    /// Who may renew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewer: Option<Principal>,
    /// Who really asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real_user: Option<Principal>,
    /// Until when it is good now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<Timestamp>,
    /// Whether it was renewed although its date had come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_grace: bool,
}

impl Record {
    /// A record of somebody unknown who asked for something: refused, without a token.
    pub fn new(time: Timestamp, audit_id: AuditId, rpc: &'static str, peer: SocketAddr) -> Self {
        Self {
            time,
            audit_id,
            rpc,
            peer,
            principal: None,
            proof: None,
            certificate: CertificateWords::default(),
            delegation_token: None,
            bound_to: None,
            on_behalf_of: None,
            about: None,
            parts: Vec::new(),
            decision: Decision::Deny,
            reason: "internal",
            rule: None,
            snapshot: None,
            issued: None,
            named: None,
            token: None,
        }
    }
}

impl Record {
    /// The record with what the peer's certificate says, when it names somebody.
    #[must_use]
    pub fn of_peer(self, peer: &Peer) -> Self {
        let known = peer.identity().ok().map(CertificateWords::of);
        let certificate = known.or_else(|| peer.nameless().map(CertificateWords::of_nobody));
        Self { certificate: certificate.unwrap_or_default(), ..self }
    }
}

/// What a certificate says besides the principal, in words for the log.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CertificateWords {
    /// What the caller is: `user`, `application`, `service` or `workload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The profile that the certificate was read by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// The application whose job asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    /// The host that a service's certificate names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    /// Who brought the call, when the certificate is a carrier's; it asks nothing by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Principal>,
    /// The authority that vouched for a certificate that names nobody here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// What that certificate can be told by: its SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The name that it claims; the caller is not believed to have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Principal>,
}

impl CertificateWords {
    fn of(identity: &Identity) -> Self {
        let (kind, carrier) = match identity.standing {
            Standing::Caller(kind) => (Some(kind.as_str()), None),
            Standing::Carrier => (None, Some(identity.principal.clone())),
        };
        Self {
            kind,
            profile: identity.profile.clone(),
            application: identity.application.clone(),
            host: identity.host.clone(),
            carrier,
            ..Self::default()
        }
    }

    fn of_nobody(nameless: &Nameless) -> Self {
        Self {
            authority: nameless.authority.as_ref().map(ToString::to_string),
            fingerprint: Some(nameless.fingerprint.clone()),
            claimed: nameless.claimed.clone(),
            ..Self::default()
        }
    }
}

fn id<S: Serializer>(id: &AuditId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

fn display<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn token_id<S: Serializer>(id: &Option<TokenId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

fn parts<S: Serializer>(parts: &[Part], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(parts.iter().map(ToString::to_string))
}
