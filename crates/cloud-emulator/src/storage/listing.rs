//! One page of a listing: prefix, delimiter, bounds, and a token for the next page.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Object, Refusal};

/// The most names and groups on a page.
const MAX_PAGE: usize = 1000;

/// What a listing asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListQuery {
    pub(crate) prefix: String,
    /// Names are grouped up to its first occurrence after the prefix; empty for no grouping.
    pub(crate) delimiter: String,
    /// Only names after this one (XML `start-after`).
    pub(crate) after: Option<String>,
    /// Only names from this one on (JSON `startOffset`).
    pub(crate) from: Option<String>,
    /// Only names before this one (JSON `endOffset`).
    pub(crate) before: Option<String>,
    /// The most names and groups wanted.
    pub(crate) limit: Option<usize>,
    /// The token of the page before.
    pub(crate) token: Option<String>,
}

/// One page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<(String, Arc<Object>)>,
    /// The groups, in byte order, each ending in the delimiter.
    pub(crate) prefixes: Vec<String>,
    pub(crate) next: Option<String>,
}

impl Page {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

/// Where the page before ended.
enum Seen {
    Nothing,
    Name(String),
    Group(String),
}

impl Seen {
    /// Reads a page token: `n` or `g`, then the name or group.
    fn read(token: Option<&str>) -> Result<Self, Refusal> {
        let invalid = Refusal::Invalid("Invalid page token.");
        let Some(token) = token else { return Ok(Self::Nothing) };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid)?;
        let text = String::from_utf8(bytes).map_err(|_| invalid)?;
        if let Some(name) = text.strip_prefix('n') {
            Ok(Self::Name(name.to_owned()))
        } else {
            text.strip_prefix('g').map(|group| Self::Group(group.to_owned())).ok_or(invalid)
        }
    }

    fn token(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Name(name) => Some(URL_SAFE_NO_PAD.encode(format!("n{name}"))),
            Self::Group(group) => Some(URL_SAFE_NO_PAD.encode(format!("g{group}"))),
        }
    }

    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Name(seen) => name <= seen.as_str(),
            Self::Group(group) => name.starts_with(group) || name < group.as_str(),
        }
    }
}

/// The page of a bucket's objects that the query asks for.
pub(super) fn page(objects: &BTreeMap<String, Arc<Object>>, query: &ListQuery) -> Result<Page, Refusal> {
    let limit = query.limit.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let mut seen = Seen::read(query.token.as_deref())?;
    let mut page = Page::default();
    if limit == 0 {
        return Ok(page);
    }
    let start = (Bound::Included(query.prefix.as_str()), Bound::Unbounded);
    for (name, object) in
        objects.range::<str, _>(start).take_while(|(name, _)| name.starts_with(&query.prefix))
    {
        if seen.covers(name) || !query.admits(name) {
            continue;
        }
        if page.len() == limit {
            page.next = seen.token();
            break;
        }
        if let Some(group) = query.group_of(name) {
            page.prefixes.push(group.to_owned());
            seen = Seen::Group(group.to_owned());
        } else {
            page.objects.push((name.clone(), Arc::clone(object)));
            seen = Seen::Name(name.clone());
        }
    }
    Ok(page)
}

impl ListQuery {
    fn admits(&self, name: &str) -> bool {
        self.after.as_deref().is_none_or(|after| name > after)
            && self.from.as_deref().is_none_or(|from| name >= from)
            && self.before.as_deref().is_none_or(|before| name < before)
    }

    /// The part of the name up to and with the first delimiter after the prefix.
    fn group_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = name.get(self.prefix.len()..)?;
        let at = rest.find(&self.delimiter)?;
        name.get(..self.prefix.len() + at + self.delimiter.len())
    }
}

#[cfg(test)]
mod tests {
    use lakegate_domain::Timestamp;

    use super::super::{Attributes, NewObject};
    use super::*;

    fn bucket(names: &[&str]) -> BTreeMap<String, Arc<Object>> {
        let now = Timestamp::from_seconds(0);
        let object = Arc::new(Object {
            new: NewObject::new(bytes::Bytes::new(), Attributes::default()),
            generation: 1,
            metageneration: 1,
            etag: String::new(),
            created: now,
            updated: now,
        });
        names.iter().map(|name| ((*name).to_owned(), Arc::clone(&object))).collect()
    }

    fn pages(names: &[&str], query: &ListQuery) -> Vec<Vec<String>> {
        let bucket = bucket(names);
        let mut query = query.clone();
        let mut all = Vec::new();
        loop {
            let page = page(&bucket, &query).unwrap();
            let mut entries: Vec<String> = page.objects.into_iter().map(|(name, _)| name).collect();
            entries.extend(page.prefixes);
            all.push(entries);
            query.token = page.next;
            if query.token.is_none() {
                return all;
            }
        }
    }

    const NAMES: [&str; 7] = ["a", "wh/", "wh/s/1", "wh/s/2", "wh/s2/1", "wh/t", "x"];

    #[test]
    fn pages_of_one_visit_every_name_and_group_once() {
        let query =
            ListQuery { prefix: "wh/".into(), delimiter: "/".into(), limit: Some(1), ..ListQuery::default() };
        assert_eq!(pages(&NAMES, &query), [["wh/"], ["wh/s/"], ["wh/s2/"], ["wh/t"]]);
        let all = ListQuery { limit: Some(3), ..ListQuery::default() };
        assert_eq!(pages(&NAMES, &all).concat(), NAMES);
    }

    #[test]
    fn bounds_are_exclusive_or_inclusive_as_their_dialect_says() {
        let after = ListQuery { after: Some("wh/s/1".into()), ..ListQuery::default() };
        assert_eq!(pages(&NAMES, &after).concat(), ["wh/s/2", "wh/s2/1", "wh/t", "x"]);
        let between =
            ListQuery { from: Some("wh/s/1".into()), before: Some("wh/t".into()), ..ListQuery::default() };
        assert_eq!(pages(&NAMES, &between).concat(), ["wh/s/1", "wh/s/2", "wh/s2/1"]);
    }

    #[test]
    fn a_made_up_page_token_is_refused() {
        let query = ListQuery { token: Some("zzz".into()), ..ListQuery::default() };
        assert!(page(&bucket(&NAMES), &query).is_err());
    }
}
