//! Where each key of a configuration stands, for what is found wrong after it was read.

use std::collections::HashMap;

/// The places of keys, by dotted path: `storages[0].source`.
#[derive(Debug, Clone, Default)]
pub struct KeyPlaces {
    /// How to call the whole configuration.
    whole: String,
    /// `file:line`, a variable or a flag.
    known: HashMap<String, String>,
}

impl KeyPlaces {
    pub(super) fn new(whole: String, known: HashMap<String, String>) -> Self {
        Self { whole, known }
    }

    /// `place: key`. The place of a key that nobody wrote is that of the nearest table or list around it that
    /// somebody wrote.
    pub fn of(&self, key: &str) -> String {
        let place = around(key).find_map(|key| self.known.get(key)).unwrap_or(&self.whole);
        [place, ": ", key].concat()
    }
}

/// A key, and the tables and lists around it, from the inside out.
fn around(key: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(key), |key| {
        let end = key.rfind(['.', '[']).unwrap_or(0);
        key.get(..end).filter(|outer| !outer.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_nobody_wrote_is_placed_where_it_would_stand() {
        let known = [("storages", "f:3"), ("storages[1]", "f:9"), ("tls.key", "flag tls.key")];
        let known = known.map(|(key, place)| (key.to_owned(), place.to_owned()));
        let places = KeyPlaces::new("f".to_owned(), HashMap::from(known));
        assert_eq!(places.of("storages[1].source.path"), "f:9: storages[1].source.path");
        assert_eq!(places.of("storages[0].id"), "f:3: storages[0].id");
        assert_eq!(places.of("tls.key"), "flag tls.key: tls.key");
        assert_eq!(places.of("audit_file"), "f: audit_file");
    }
}
