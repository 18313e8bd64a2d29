//! The scope's key: SHA-256 over length-prefixed fields, so that no two field lists run into one another.

use aws_lc_rs::digest::{Context, SHA256};
use lakegate_domain::{Target, Timestamp};

use crate::scope::{Scope, ScopeKey};

/// Names the layout; a change of it must change this text.
const LAYOUT: &str = "lakegate.scope.v1";

/// Computes the key of everything else in a scope. Numbers are eight bytes, big-endian.
pub(crate) fn scope_key(scope: &Scope) -> ScopeKey {
    let mut fields = Fields(Context::new(&SHA256));
    fields.bytes(LAYOUT.as_bytes());
    fields.bytes(scope.storage.as_str().as_bytes());
    fields.number(scope.generation);
    fields.count(scope.parts.len());
    for part in &scope.parts {
        fields.bytes(match part.target() {
            Target::Prefix(_) => b"p",
            Target::Object(_) => b"o",
        });
        fields.bytes(part.target().to_string().as_bytes());
        fields.bytes(&[part.operations().bits()]);
        fields.bytes(&[crate::closure::closure(scope.dialect, part.operations()).bits()]);
    }
    fields.count(scope.terms.classes.len());
    for class in &scope.terms.classes {
        fields.bytes(class.as_str().as_bytes());
    }
    fields.end(scope.end);
    match &scope.attributed_to {
        Some(principal) => fields.bytes(&[b"1", principal.as_str().as_bytes()].concat()),
        None => fields.bytes(b""),
    }
    fields.key()
}

/// A digest that is fed whole fields only.
struct Fields(Context);

impl Fields {
    fn bytes(&mut self, field: &[u8]) {
        self.0.update(&(field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn end(&mut self, end: Option<Timestamp>) {
        match end {
            Some(end) => self.bytes(&end.as_millis().to_be_bytes()),
            None => self.bytes(b""),
        }
    }

    fn key(self) -> ScopeKey {
        let digest = self.0.finish();
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        ScopeKey(key)
    }
}

#[cfg(test)]
mod tests;
