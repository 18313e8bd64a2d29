//! Multipart uploads of the XML dialect: begun, filled part by part, completed or aborted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use lakegate_domain::{Clock, Timestamp};

use super::{Attributes, Missing, Name, NewObject, Refusal};

/// The highest number a part may have.
const MAX_PART: u32 = 10_000;

/// One uploaded part.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) new: NewObject,
    /// The entity tag, without quotes: the MD5 in hexadecimal.
    pub(crate) etag: String,
    pub(crate) uploaded: Timestamp,
}

struct Upload {
    bucket: String,
    key: String,
    attributes: Attributes,
    parts: BTreeMap<u32, Part>,
}

/// All multipart uploads in progress, by id.
pub(crate) struct Uploads {
    by_id: Mutex<HashMap<String, Upload>>,
    clock: Arc<dyn Clock>,
}

impl Uploads {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { by_id: Mutex::default(), clock }
    }

    /// Begins an upload under a fresh id.
    pub(super) fn begin(&self, id: &str, name: Name<'_>, attributes: Attributes) {
        let upload = Upload {
            bucket: name.bucket.to_owned(),
            key: name.key.to_owned(),
            attributes,
            parts: BTreeMap::new(),
        };
        self.lock().insert(id.to_owned(), upload);
    }

    /// Adds or replaces a part of the upload of that object; the part as it stands.
    pub(super) fn add(&self, id: &str, name: Name<'_>, number: u32, new: NewObject) -> Result<Part, Refusal> {
        if !(1..=MAX_PART).contains(&number) {
            return Err(Refusal::Invalid("Part number must be between 1 and 10000."));
        }
        let etag = new.md5.map(hex::encode).unwrap_or_default();
        let part = Part { new, etag, uploaded: self.clock.now() };
        let mut uploads = self.lock();
        find(&mut uploads, id, name)?.parts.insert(number, part.clone());
        Ok(part)
    }

    /// The parts that are there.
    pub(super) fn parts(&self, id: &str, name: Name<'_>) -> Result<Vec<(u32, Part)>, Refusal> {
        let mut uploads = self.lock();
        let upload = find(&mut uploads, id, name)?;
        Ok(upload.parts.iter().map(|(number, part)| (*number, part.clone())).collect())
    }

    /// The object that the named parts make, in the order of their numbers.
    pub(super) fn assemble(
        &self,
        id: &str,
        name: Name<'_>,
        wanted: &[(u32, String)],
    ) -> Result<NewObject, Refusal> {
        let mut uploads = self.lock();
        let upload = find(&mut uploads, id, name)?;
        let rising = wanted.iter().zip(wanted.iter().skip(1)).all(|((a, _), (b, _))| a < b);
        if wanted.is_empty() || !rising {
            return Err(Refusal::Invalid("The list of parts was not in ascending order."));
        }
        let mut content = BytesMut::new();
        for (number, etag) in wanted {
            let part = upload.parts.get(number).filter(|part| part.etag == etag.trim_matches('"'));
            let part =
                part.ok_or(Refusal::Invalid("One or more of the specified parts could not be found."))?;
            content.extend_from_slice(&part.new.content);
        }
        Ok(NewObject::composed(content.freeze(), upload.attributes.clone()))
    }

    /// Forgets an upload.
    pub(super) fn end(&self, id: &str, name: Name<'_>) -> Result<(), Refusal> {
        let mut uploads = self.lock();
        find(&mut uploads, id, name)?;
        uploads.remove(id);
        Ok(())
    }

    /// Ids and object names of the uploads in a bucket, by name.
    pub(super) fn of_bucket(&self, bucket: &str) -> Vec<(String, String)> {
        let uploads = self.lock();
        let mut found: Vec<(String, String)> = uploads
            .iter()
            .filter(|(_, upload)| upload.bucket == bucket)
            .map(|(id, upload)| (upload.key.clone(), id.clone()))
            .collect();
        found.sort();
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The upload of that id, if it is for that object: an id is no key to another name.
fn find<'u>(
    uploads: &'u mut HashMap<String, Upload>,
    id: &str,
    name: Name<'_>,
) -> Result<&'u mut Upload, Refusal> {
    uploads
        .get_mut(id)
        .filter(|upload| upload.bucket == name.bucket && upload.key == name.key)
        .ok_or(Refusal::NotFound(Missing::Upload))
}
