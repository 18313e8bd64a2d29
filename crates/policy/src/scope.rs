//! The scope: what one access token can do.

use std::fmt;
use std::time::Duration;

use lakegate_domain::{ClassName, Dialect, OperationSet, Part, Principal, ScopeTag, StorageId, Timestamp};

use crate::key::scope_key;
use crate::{Attribution, Class, Namespace, Staleness, StorageRule};

/// What one access token can do: a storage, one or more parts, and perhaps an end.
///
/// - only [`crate::Snapshot`] makes one, after a decision or for pre-fill;
/// - parts are sorted, none covers another, all lie in the storage's buckets;
/// - two scopes with the same key can do the same; who changes a storage's dialect or namespace raises its generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub(crate) storage: StorageId,
    pub(crate) dialect: Dialect,
    pub(crate) namespace: Namespace,
    pub(crate) generation: u64,
    pub(crate) parts: Vec<Part>,
    pub(crate) terms: Terms,
    pub(crate) end: Option<Timestamp>,
    pub(crate) attributed_to: Option<Principal>,
    pub(crate) key: ScopeKey,
}

impl Scope {
    /// Makes a scope without an end and computes its key. The principal counts when the terms attribute.
    pub(crate) fn seal(storage: &StorageRule, parts: Vec<Part>, terms: Terms, principal: &Principal) -> Self {
        let attributed_to = (terms.attribution == Attribution::PerPrincipal).then(|| principal.clone());
        Self::keyed(storage, parts, terms, attributed_to)
    }

    /// Makes a scope that everybody may share who may have it, without an end.
    pub(crate) fn shared(storage: &StorageRule, parts: Vec<Part>, terms: Terms) -> Self {
        Self::keyed(storage, parts, terms, None)
    }

    fn keyed(
        storage: &StorageRule,
        parts: Vec<Part>,
        terms: Terms,
        attributed_to: Option<Principal>,
    ) -> Self {
        let mut scope = Self {
            storage: storage.id.clone(),
            dialect: storage.dialect,
            namespace: storage.namespace,
            generation: storage.generation,
            parts,
            terms,
            end: None,
            attributed_to,
            key: ScopeKey([0; 32]),
        };
        scope.key = scope_key(&scope);
        scope
    }

    /// The same scope with an end, and so with another key.
    pub(crate) fn ending(&self, end: Timestamp) -> Self {
        let mut scope = Self { end: Some(end), ..self.clone() };
        scope.key = scope_key(&scope);
        scope
    }

    /// The storage it is for.
    pub fn storage(&self) -> &StorageId {
        &self.storage
    }

    /// The storage's dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How the storage arranges names; hierarchical ones want folder clauses.
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// The storage's generation when the scope was made.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What the token can do, and where. Operations are those granted, after rounding; see [`Scope::closure`].
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Everything the token can really do, over all parts, given what the provider cannot separate.
    pub fn closure(&self) -> OperationSet {
        self.parts
            .iter()
            .map(|part| crate::closure::closure(self.dialect, part.operations()))
            .fold(OperationSet::EMPTY, OperationSet::union)
    }

    /// Token life, attribution and staleness.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The instant at which a token for this scope must have ended; none for the provider's own expiry.
    pub fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// The only principal it may be handed to, for attributed classes.
    pub fn attributed_to(&self) -> Option<&Principal> {
        self.attributed_to.as_ref()
    }

    /// The cache key.
    pub fn key(&self) -> ScopeKey {
        self.key
    }

    /// The first 128 bits of the key, to compare after every look-up.
    pub fn tag(&self) -> ScopeTag {
        self.key.tag()
    }
}

/// What the classes of a scope's datasets ask for; of several classes, the strictest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The classes, sorted, without repetition; one for nearly all scopes.
    pub classes: Vec<ClassName>,
    /// The longest life of a token.
    pub token_life: Duration,
    /// Whether the token is shared.
    pub attribution: Attribution,
    /// What happens when policy is stale.
    pub staleness: Staleness,
}

impl Terms {
    /// Of several classes the shortest life, `per-principal` before `shared` and `strict` before `best-effort`.
    pub(crate) fn strictest<'c>(classes: impl Iterator<Item = &'c Class>) -> Self {
        let mut terms = Self {
            classes: Vec::with_capacity(1),
            token_life: Duration::MAX,
            attribution: Attribution::Shared,
            staleness: Staleness::BestEffort,
        };
        for class in classes {
            terms.classes.push(class.name.clone());
            terms.token_life = terms.token_life.min(class.token_life());
            terms.attribution = terms.attribution.max(class.attribution);
            terms.staleness = terms.staleness.max(class.staleness);
        }
        terms.classes.sort_unstable();
        terms.classes.dedup();
        terms
    }
}

/// SHA-256 over everything that tells two scopes apart, each field length-prefixed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeKey(pub(crate) [u8; 32]);

impl ScopeKey {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 128 bits.
    pub fn tag(&self) -> ScopeTag {
        let mut tag = [0; 16];
        for (to, from) in tag.iter_mut().zip(self.0) {
            *to = from;
        }
        ScopeTag(tag)
    }
}

impl fmt::Display for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeKey({self})")
    }
}
