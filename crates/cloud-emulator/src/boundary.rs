//! Credential access boundaries: what a downscoped token may do at most.
//!
//! A boundary is a union of rules. A rule names one bucket, some roles and perhaps a condition in CEL; it allows a
//! permission on a resource of its bucket when one of its roles carries the permission and its condition is true.
//! Source: Google, "Credential Access Boundaries overview".

mod cel_guard;
mod evaluate;
mod parse;
mod refused;
pub(crate) mod roles;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use evaluate::Condition;
pub(crate) use refused::RefusedBoundary;
use roles::{Permission, Role};

/// What a permission is needed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource<'a> {
    /// The bucket itself.
    Bucket { bucket: &'a str },
    /// The bucket, asked for a listing of the names that begin with `prefix`.
    Listing { bucket: &'a str, prefix: &'a str },
    /// One object, existing or not.
    Object { bucket: &'a str, key: &'a str },
}

impl<'a> Resource<'a> {
    /// The bucket of the resource.
    pub(crate) fn bucket(self) -> &'a str {
        match self {
            Self::Bucket { bucket } | Self::Listing { bucket, .. } | Self::Object { bucket, .. } => bucket,
        }
    }

    /// `resource.name` as conditions see it.
    fn name(self) -> String {
        match self {
            Self::Bucket { bucket } | Self::Listing { bucket, .. } => format!("projects/_/buckets/{bucket}"),
            Self::Object { bucket, key } => format!("projects/_/buckets/{bucket}/objects/{key}"),
        }
    }

    /// The API attribute `storage.googleapis.com/objectListPrefix`, which only listings of objects have.
    fn list_prefix(self) -> Option<&'a str> {
        match self {
            Self::Listing { prefix, .. } => Some(prefix),
            Self::Bucket { .. } | Self::Object { .. } => None,
        }
    }
}

/// A boundary, its conditions compiled.
#[derive(Debug)]
pub(crate) struct Boundary {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    bucket: String,
    roles: Vec<Role>,
    condition: Option<Condition>,
}

impl Boundary {
    /// Whether some rule allows the permission on the resource.
    pub(crate) fn allows(&self, permission: Permission, resource: Resource<'_>) -> bool {
        self.rules.iter().any(|rule| {
            rule.bucket == resource.bucket()
                && rule.roles.iter().any(|role| role.grants(permission))
                && rule.condition.as_ref().is_none_or(|condition| condition.holds(resource))
        })
    }
}

/// The boundaries of live tokens; equal ones are compiled and kept once.
#[derive(Debug, Default)]
pub(crate) struct Boundaries(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_text: HashMap<String, Weak<Boundary>>,
    purge_above: usize,
}

impl Boundaries {
    /// Reads the `options` of a token exchange.
    pub(crate) fn load(&self, options: &str) -> Result<Arc<Boundary>, RefusedBoundary> {
        let document = parse::Document::read(options)?;
        let text = document.compact()?;
        let known =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).by_text.get(&text).and_then(Weak::upgrade);
        if let Some(boundary) = known {
            return Ok(boundary);
        }
        let boundary = Arc::new(Boundary { rules: document.into_rules()? });
        self.remember(text, &boundary);
        Ok(boundary)
    }

    fn remember(&self, text: String, boundary: &Arc<Boundary>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.by_text.len() > known.purge_above {
            known.by_text.retain(|_, boundary| boundary.strong_count() > 0);
            known.purge_above = (known.by_text.len() * 2).max(1024);
        }
        known.by_text.insert(text, Arc::downgrade(boundary));
    }
}

#[cfg(test)]
mod tests;
