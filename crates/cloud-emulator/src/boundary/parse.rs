//! The JSON of a boundary, read strictly.
//!
//! Wire format: the `options` parameter of the token exchange,
//! `{"accessBoundary":{"accessBoundaryRules":[{"availableResource","availablePermissions","availabilityCondition"}]}}`.
//! Members may stand in any order and with any white space (client libraries differ); unknown and repeated ones
//! are refused.

use serde::{Deserialize, Serialize};

use super::evaluate::Condition;
use super::roles::Role;
use super::{RefusedBoundary, Rule};

const MAX_RULES: usize = 10;
const MAX_BOUNDARY_CHARS: usize = 2048;
const BUCKET_RESOURCE: &str = "//storage.googleapis.com/projects/_/buckets/";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    access_boundary: Option<Document>,
    user_project: Option<String>,
    bind_cert_fingerprint: Option<String>,
}

/// The `accessBoundary` member, as written.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    access_boundary_rules: Vec<WrittenRule>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRule {
    available_resource: String,
    #[serde(default)]
    available_permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_condition: Option<WrittenCondition>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenCondition {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    expression: String,
}

impl Document {
    /// Reads `options`, percent-encoded once more (as Google's Python library sends it) or not.
    pub(super) fn read(options: &str) -> Result<Self, RefusedBoundary> {
        let decoded;
        let text = if options.starts_with('%') {
            let bytes = percent_encoding::percent_decode_str(options);
            decoded = bytes.decode_utf8().map_err(|_| RefusedBoundary::Json)?;
            decoded.as_ref()
        } else {
            options
        };
        let options: Options = serde_json::from_str(text).map_err(|_| RefusedBoundary::Json)?;
        if options.user_project.is_some() || options.bind_cert_fingerprint.is_some() {
            return Err(RefusedBoundary::Option);
        }
        let document = options.access_boundary.ok_or(RefusedBoundary::Missing)?;
        match document.access_boundary_rules.len() {
            0 => Err(RefusedBoundary::NoRules),
            1..=MAX_RULES => Ok(document),
            _ => Err(RefusedBoundary::TooManyRules),
        }
    }

    /// The boundary in its shortest spelling, which is what its size limit is about.
    pub(super) fn compact(&self) -> Result<String, RefusedBoundary> {
        let text = serde_json::to_string(self).map_err(|_| RefusedBoundary::Json)?;
        if text.chars().count() > MAX_BOUNDARY_CHARS { Err(RefusedBoundary::TooLong) } else { Ok(text) }
    }

    /// The rules, checked and compiled.
    pub(super) fn into_rules(self) -> Result<Vec<Rule>, RefusedBoundary> {
        self.access_boundary_rules.into_iter().map(WrittenRule::check).collect()
    }
}

impl WrittenRule {
    fn check(self) -> Result<Rule, RefusedBoundary> {
        let bucket = self.available_resource.strip_prefix(BUCKET_RESOURCE).unwrap_or_default();
        if bucket.is_empty() || bucket.contains('/') {
            return Err(RefusedBoundary::Resource);
        }
        if self.available_permissions.is_empty() {
            return Err(RefusedBoundary::NoPermissions);
        }
        let roles: Option<Vec<Role>> = self
            .available_permissions
            .iter()
            .map(|p| p.strip_prefix("inRole:").and_then(Role::parse))
            .collect();
        let condition = self.availability_condition.map(|c| Condition::compile(&c.expression)).transpose()?;
        Ok(Rule { bucket: bucket.to_owned(), roles: roles.ok_or(RefusedBoundary::Permission)?, condition })
    }
}
