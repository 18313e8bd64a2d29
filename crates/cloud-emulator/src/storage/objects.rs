//! The buckets and objects, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lakegate_domain::{Clock, Timestamp};
use md5::{Digest, Md5};

use super::sessions::Sessions;
use super::uploads::Uploads;
use super::{Conditions, ListQuery, Missing, Name, Page, Refusal, listing};
use crate::EmulatorError;
use crate::boundary::roles::Permission;
use crate::route::RESERVED_SEGMENTS;

/// What a caller says about an object beside its content.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// An object that is about to be written.
#[derive(Debug, Clone)]
pub(crate) struct NewObject {
    pub(crate) content: Bytes,
    pub(crate) attributes: Attributes,
    /// CRC-32C, base64 of the big-endian bytes.
    pub(crate) crc32c: String,
    /// MD5; absent for composed objects, as in the cloud.
    pub(crate) md5: Option<[u8; 16]>,
}

impl NewObject {
    /// An object of that content, its hashes computed.
    pub(crate) fn new(content: Bytes, attributes: Attributes) -> Self {
        let md5 = Some(Md5::digest(&content).into());
        Self { md5, ..Self::composed(content, attributes) }
    }

    /// An object made of others, which has no MD5.
    pub(crate) fn composed(content: Bytes, attributes: Attributes) -> Self {
        let crc32c = STANDARD.encode(crc32c::crc32c(&content).to_be_bytes());
        Self { content, attributes, crc32c, md5: None }
    }

    /// The MD5 in base64.
    pub(crate) fn md5_base64(&self) -> Option<String> {
        self.md5.map(|md5| STANDARD.encode(md5))
    }
}

/// An object as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) new: NewObject,
    pub(crate) generation: u64,
    pub(crate) metageneration: u64,
    /// The entity tag, without quotes.
    pub(crate) etag: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Whether a write may replace an object that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Allowed,
    Forbidden,
}

/// All buckets, and the uploads in progress.
pub(crate) struct Storage {
    buckets: Mutex<HashMap<String, BTreeMap<String, Arc<Object>>>>,
    generation: Mutex<u64>,
    clock: Arc<dyn Clock>,
    pub(crate) uploads: Uploads,
    pub(crate) sessions: Sessions,
}

impl Storage {
    /// Empty buckets of those names.
    pub(crate) fn new(buckets: &[String], clock: Arc<dyn Clock>) -> Result<Self, EmulatorError> {
        if buckets.iter().any(|b| b.is_empty() || b.contains('/') || RESERVED_SEGMENTS.contains(&b.as_str()))
        {
            return Err(EmulatorError::Bucket);
        }
        let buckets = buckets.iter().map(|bucket| (bucket.clone(), BTreeMap::new())).collect();
        Ok(Self {
            buckets: Mutex::new(buckets),
            generation: Mutex::default(),
            uploads: Uploads::new(Arc::clone(&clock)),
            sessions: Sessions::new(Arc::clone(&clock)),
            clock,
        })
    }

    /// Whether there is such a bucket.
    pub(crate) fn has_bucket(&self, bucket: &str) -> bool {
        self.lock().contains_key(bucket)
    }

    /// Puts an object past all permissions.
    pub(crate) fn seed(&self, name: Name<'_>, content: Bytes) -> Option<()> {
        let new = NewObject::new(content, Attributes::default());
        self.put(name, new, &Conditions::default(), Overwrite::Allowed).ok().map(drop)
    }

    /// An object's content, past all permissions.
    pub(crate) fn peek(&self, name: Name<'_>) -> Option<Bytes> {
        self.get(name).ok().map(|object| object.new.content.clone())
    }

    /// All names of a bucket, past all permissions.
    pub(crate) fn names(&self, bucket: &str) -> Vec<String> {
        self.lock().get(bucket).map(|objects| objects.keys().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn get(&self, name: Name<'_>) -> Result<Arc<Object>, Refusal> {
        let buckets = self.lock();
        let objects = buckets.get(name.bucket).ok_or(Refusal::NotFound(Missing::Bucket))?;
        objects.get(name.key).map(Arc::clone).ok_or(Refusal::NotFound(Missing::Object))
    }

    pub(super) fn put(
        &self,
        name: Name<'_>,
        new: NewObject,
        conditions: &Conditions,
        overwrite: Overwrite,
    ) -> Result<Arc<Object>, Refusal> {
        check_key(name.key)?;
        let mut buckets = self.lock();
        let objects = buckets.get_mut(name.bucket).ok_or(Refusal::NotFound(Missing::Bucket))?;
        let existing = objects.get(name.key);
        conditions.check_write(existing.map(Arc::as_ref))?;
        if existing.is_some() && overwrite == Overwrite::Forbidden {
            return Err(Refusal::Forbidden(Permission::ObjectsDelete));
        }
        let object = Arc::new(self.stamp(new));
        objects.insert(name.key.to_owned(), Arc::clone(&object));
        Ok(object)
    }

    /// Changes what is said about an object, leaving its content and generation.
    pub(super) fn patch(
        &self,
        name: Name<'_>,
        conditions: &Conditions,
        change: impl FnOnce(&mut Attributes),
    ) -> Result<Arc<Object>, Refusal> {
        let mut buckets = self.lock();
        let objects = buckets.get_mut(name.bucket).ok_or(Refusal::NotFound(Missing::Bucket))?;
        let object = objects.get_mut(name.key).ok_or(Refusal::NotFound(Missing::Object))?;
        conditions.check_write(Some(object))?;
        let object = Arc::make_mut(object);
        change(&mut object.new.attributes);
        object.metageneration += 1;
        object.updated = self.clock.now();
        Ok(Arc::new(object.clone()))
    }

    pub(super) fn delete(&self, name: Name<'_>, conditions: &Conditions) -> Result<(), Refusal> {
        let mut buckets = self.lock();
        let objects = buckets.get_mut(name.bucket).ok_or(Refusal::NotFound(Missing::Bucket))?;
        let existing = objects.get(name.key).ok_or(Refusal::NotFound(Missing::Object))?;
        conditions.check_write(Some(existing))?;
        objects.remove(name.key);
        Ok(())
    }

    pub(super) fn list(&self, bucket: &str, query: &ListQuery) -> Result<Page, Refusal> {
        let buckets = self.lock();
        let objects = buckets.get(bucket).ok_or(Refusal::NotFound(Missing::Bucket))?;
        listing::page(objects, query)
    }

    /// Gives a new object its generation, entity tag and times. Generations are microseconds that only rise.
    fn stamp(&self, new: NewObject) -> Object {
        let now = self.clock.now();
        let micros = u64::try_from(now.as_millis().saturating_mul(1000)).unwrap_or(0);
        let mut last = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        *last = micros.max(*last + 1);
        let etag = match new.md5 {
            Some(md5) => hex::encode(md5),
            None => format!("-{}", STANDARD.encode(last.to_be_bytes())),
        };
        Object { new, generation: *last, metageneration: 1, etag, created: now, updated: now }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<String, Arc<Object>>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Object naming requirements: 1 to 1,024 bytes, no CR or LF, not `.` or `..`.
fn check_key(key: &str) -> Result<(), Refusal> {
    let valid = (1..=1024).contains(&key.len()) && !key.contains(['\r', '\n']) && !matches!(key, "." | "..");
    if valid { Ok(()) } else { Err(Refusal::Invalid("Invalid object name.")) }
}
