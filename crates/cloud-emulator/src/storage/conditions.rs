//! Preconditions on the object that a call is about, and on the one that it reads from.
//!
//! Names of parameters and headers: Google, "Objects" in the JSON API, "HTTP headers and query string parameters for
//! the XML API", "Request preconditions".

use lakegate_domain::Timestamp;

use super::{Incoming, Missing, Object, Refusal};

/// Preconditions, as given by headers (XML) or query parameters (JSON).
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    /// The version that is meant; there is no other than the present one, so any other is not found.
    pub(crate) version: Option<u64>,
    /// The generation the object must have; 0 means that it must not exist.
    pub(crate) generation: Option<u64>,
    /// The generation it must not have; 0 means that it must exist.
    pub(crate) generation_not: Option<u64>,
    /// The metageneration it must have.
    pub(crate) metageneration: Option<u64>,
    /// The metageneration it must not have.
    pub(crate) metageneration_not: Option<u64>,
    /// `If-Match`: entity tags of which one must be the object's.
    pub(crate) if_match: Option<String>,
    /// `If-None-Match`: entity tags of which none must be the object's.
    pub(crate) if_none_match: Option<String>,
    /// `If-Modified-Since`: the object must have changed after it; counts when there is no `If-None-Match`.
    pub(crate) modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`: the object must not have changed after it; counts when there is no `If-Match`.
    pub(crate) unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// Those of an XML request.
    pub(crate) fn of_headers(incoming: &Incoming) -> Result<Self, Refusal> {
        Ok(Self {
            generation: incoming.header_number("x-goog-if-generation-match")?,
            metageneration: incoming.header_number("x-goog-if-metageneration-match")?,
            if_match: incoming.header("if-match").map(str::to_owned),
            if_none_match: incoming.header("if-none-match").map(str::to_owned),
            modified_since: incoming.header("if-modified-since").and_then(http_date),
            unmodified_since: incoming.header("if-unmodified-since").and_then(http_date),
            ..Self::default()
        })
    }

    /// Those of a JSON request.
    pub(crate) fn of_query(incoming: &Incoming) -> Result<Self, Refusal> {
        Ok(Self {
            generation: incoming.query_number("ifGenerationMatch")?,
            generation_not: incoming.query_number("ifGenerationNotMatch")?,
            metageneration: incoming.query_number("ifMetagenerationMatch")?,
            metageneration_not: incoming.query_number("ifMetagenerationNotMatch")?,
            ..Self::default()
        })
    }

    /// The same for the version that `?generation=` names, in both dialects.
    pub(crate) fn of_version(self, incoming: &Incoming) -> Result<Self, Refusal> {
        Ok(Self { version: incoming.query_number("generation")?, ..self })
    }

    /// Those on the source of an XML copy.
    pub(crate) fn of_source_headers(incoming: &Incoming) -> Result<Self, Refusal> {
        Ok(Self {
            version: incoming.header_number("x-goog-copy-source-generation")?,
            generation: incoming.header_number("x-goog-copy-source-if-generation-match")?,
            metageneration: incoming.header_number("x-goog-copy-source-if-metageneration-match")?,
            if_match: incoming.header("x-goog-copy-source-if-match").map(str::to_owned),
            if_none_match: incoming.header("x-goog-copy-source-if-none-match").map(str::to_owned),
            ..Self::default()
        })
    }

    /// Those on the source of a JSON copy.
    pub(crate) fn of_source_query(incoming: &Incoming) -> Result<Self, Refusal> {
        Ok(Self {
            version: incoming.query_number("sourceGeneration")?,
            generation: incoming.query_number("ifSourceGenerationMatch")?,
            generation_not: incoming.query_number("ifSourceGenerationNotMatch")?,
            metageneration: incoming.query_number("ifSourceMetagenerationMatch")?,
            metageneration_not: incoming.query_number("ifSourceMetagenerationNotMatch")?,
            ..Self::default()
        })
    }

    /// Whether a write may go on over what exists, or with it as a source.
    pub(super) fn check_write(&self, existing: Option<&Object>) -> Result<(), Refusal> {
        self.check_version(existing)?;
        if self.generation.is_some_and(|wanted| wanted != existing.map_or(0, |object| object.generation))
            || self.fails_to_match(existing)
            || self.has_already(existing)
        {
            return Err(Refusal::Precondition);
        }
        Ok(())
    }

    /// Whether a read of the object may go on.
    pub(super) fn check_read(&self, object: &Object) -> Result<(), Refusal> {
        self.check_version(Some(object))?;
        let changed = object.updated.as_seconds();
        let later =
            self.if_match.is_none() && self.unmodified_since.is_some_and(|at| changed > at.as_seconds());
        let generation = self.generation.is_some_and(|wanted| wanted != object.generation);
        if later || generation || self.fails_to_match(Some(object)) {
            return Err(Refusal::Precondition);
        }
        let earlier =
            self.if_none_match.is_none() && self.modified_since.is_some_and(|at| changed <= at.as_seconds());
        if earlier || self.has_already(Some(object)) { Err(Refusal::NotModified) } else { Ok(()) }
    }

    fn check_version(&self, existing: Option<&Object>) -> Result<(), Refusal> {
        let other = |version| existing.is_none_or(|object| object.generation != version);
        if self.version.is_some_and(other) { Err(Refusal::NotFound(Missing::Object)) } else { Ok(()) }
    }

    fn fails_to_match(&self, existing: Option<&Object>) -> bool {
        self.metageneration
            .is_some_and(|wanted| existing.is_none_or(|object| object.metageneration != wanted))
            || self
                .if_match
                .as_deref()
                .is_some_and(|tags| !existing.is_some_and(|object| matches(tags, object)))
    }

    fn has_already(&self, existing: Option<&Object>) -> bool {
        self.generation_not.is_some_and(|unwanted| unwanted == existing.map_or(0, |object| object.generation))
            || self
                .metageneration_not
                .is_some_and(|unwanted| existing.is_some_and(|object| object.metageneration == unwanted))
            || self
                .if_none_match
                .as_deref()
                .is_some_and(|tags| existing.is_some_and(|object| matches(tags, object)))
    }
}

fn matches(tags: &str, object: &Object) -> bool {
    tags.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == object.etag)
}

/// Reads RFC 9110, section 5.6.7; anything else is no condition.
fn http_date(text: &str) -> Option<Timestamp> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_seconds(parsed.as_second()))
}
