//! What can be done to storage, each action with the permissions it needs.
//!
//! Source of the permissions: Google, "IAM permissions for JSON methods" and "IAM permissions for XML requests".
//! Replacing an object needs `delete` beside `create`; a precondition that fails is told before that is asked.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};

use super::objects::Overwrite;
use super::sessions::Chunk;
use super::{
    Access, Attributes, Conditions, ListQuery, Name, NewObject, Object, Page, Part, Progress, Refusal,
    Session,
};
use crate::boundary::Resource;
use crate::boundary::roles::Permission;
use crate::cloud::Cloud;

/// The most sources of a composed object.
const MAX_SOURCES: usize = 32;

/// An object that a call reads from to write another, and what must be true of it.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) conditions: Conditions,
}

impl Access<'_> {
    /// An object, for its content or its metadata.
    pub(crate) fn get(&self, name: Name<'_>, conditions: &Conditions) -> Result<Arc<Object>, Refusal> {
        self.require(Permission::ObjectsGet, name.resource())?;
        let object = self.cloud.storage.get(name)?;
        conditions.check_read(&object)?;
        Ok(object)
    }

    /// A page of names below the query's prefix.
    pub(crate) fn list(&self, bucket: &str, query: &ListQuery) -> Result<Page, Refusal> {
        self.require(Permission::ObjectsList, Resource::Listing { bucket, prefix: &query.prefix })?;
        self.cloud.storage.list(bucket, query)
    }

    /// A new object, or a new version of one.
    pub(crate) fn put(
        &self,
        name: Name<'_>,
        new: NewObject,
        conditions: &Conditions,
    ) -> Result<Arc<Object>, Refusal> {
        let overwrite = self.require_create(name)?;
        self.cloud.storage.put(name, new, conditions, overwrite)
    }

    /// An object's end.
    pub(crate) fn delete(&self, name: Name<'_>, conditions: &Conditions) -> Result<(), Refusal> {
        self.require(Permission::ObjectsDelete, name.resource())?;
        self.cloud.storage.delete(name, conditions)
    }

    /// Other attributes for an object.
    pub(crate) fn patch(
        &self,
        name: Name<'_>,
        conditions: &Conditions,
        change: impl FnOnce(&mut Attributes),
    ) -> Result<Arc<Object>, Refusal> {
        self.require(Permission::ObjectsGet, name.resource())?;
        self.require(Permission::ObjectsUpdate, name.resource())?;
        self.cloud.storage.patch(name, conditions, change)
    }

    /// A copy of an object under another name; `attributes` replace the source's when given.
    pub(crate) fn copy(
        &self,
        source: &Source<'_>,
        target: Name<'_>,
        attributes: Option<Attributes>,
        conditions: &Conditions,
    ) -> Result<Arc<Object>, Refusal> {
        let overwrite = self.require_create(target)?;
        let original = self.source(source)?;
        let mut new = original.new.clone();
        if let Some(attributes) = attributes {
            new.attributes = attributes;
        }
        self.cloud.storage.put(target, new, conditions, overwrite)
    }

    /// An object to read from. A precondition on it that fails is told as that of a write.
    fn source(&self, source: &Source<'_>) -> Result<Arc<Object>, Refusal> {
        let object = self.get(source.name, &Conditions::default())?;
        source.conditions.check_write(Some(&object))?;
        Ok(object)
    }

    /// One object of several of the same bucket, in their order.
    pub(crate) fn compose(
        &self,
        sources: &[Source<'_>],
        name: Name<'_>,
        attributes: Attributes,
        conditions: &Conditions,
    ) -> Result<Arc<Object>, Refusal> {
        let overwrite = self.require_create(name)?;
        if sources.is_empty() || sources.len() > MAX_SOURCES {
            return Err(Refusal::Invalid("A compose request takes 1 to 32 sources."));
        }
        let mut content = BytesMut::new();
        for source in sources {
            content.extend_from_slice(&self.source(source)?.new.content);
        }
        let new = NewObject::composed(content.freeze(), attributes);
        self.cloud.storage.put(name, new, conditions, overwrite)
    }

    /// That the caller may know the bucket itself.
    pub(crate) fn bucket(&self, bucket: &str) -> Result<(), Refusal> {
        self.require(Permission::BucketsGet, Resource::Bucket { bucket })?;
        if self.cloud.storage.has_bucket(bucket) {
            Ok(())
        } else {
            Err(Refusal::Forbidden(Permission::BucketsGet))
        }
    }

    /// A fresh multipart upload; its id.
    pub(crate) fn begin_upload(&self, name: Name<'_>, attributes: Attributes) -> Result<String, Refusal> {
        self.require_upload(name)?;
        let id = fresh_id()?;
        self.cloud.storage.uploads.begin(&id, name, attributes);
        Ok(id)
    }

    /// A part of a multipart upload.
    pub(crate) fn upload_part(
        &self,
        name: Name<'_>,
        id: &str,
        number: u32,
        new: NewObject,
    ) -> Result<Part, Refusal> {
        self.require_upload(name)?;
        self.cloud.storage.uploads.add(id, name, number, new)
    }

    /// The object that a multipart upload's parts make.
    pub(crate) fn complete_upload(
        &self,
        name: Name<'_>,
        id: &str,
        parts: &[(u32, String)],
        conditions: &Conditions,
    ) -> Result<Arc<Object>, Refusal> {
        self.require_upload(name)?;
        let new = self.cloud.storage.uploads.assemble(id, name, parts)?;
        let written = self.put(name, new, conditions)?;
        self.cloud.storage.uploads.end(id, name)?;
        Ok(written)
    }

    /// The end of a multipart upload without an object.
    pub(crate) fn abort_upload(&self, name: Name<'_>, id: &str) -> Result<(), Refusal> {
        self.require(Permission::UploadsAbort, name.resource())?;
        self.cloud.storage.uploads.end(id, name)
    }

    /// The parts of a multipart upload.
    pub(crate) fn list_parts(&self, name: Name<'_>, id: &str) -> Result<Vec<(u32, Part)>, Refusal> {
        self.require(Permission::UploadsListParts, name.resource())?;
        self.cloud.storage.uploads.parts(id, name)
    }

    /// Names and ids of a bucket's multipart uploads. No condition can bound this listing by a prefix, so a
    /// boundary with conditions denies it.
    pub(crate) fn list_uploads(&self, bucket: &str) -> Result<Vec<(String, String)>, Refusal> {
        self.require(Permission::UploadsList, Resource::Bucket { bucket })?;
        Ok(self.cloud.storage.uploads.of_bucket(bucket))
    }

    /// A fresh resumable session; its id.
    pub(crate) fn begin_session(
        &self,
        name: Name<'_>,
        attributes: Attributes,
        conditions: Conditions,
        crc32c: Option<String>,
    ) -> Result<String, Refusal> {
        let overwrite = self.require_create(name)?;
        let id = fresh_id()?;
        let session = Session {
            bucket: name.bucket.to_owned(),
            key: name.key.to_owned(),
            attributes,
            conditions,
            overwrite,
            crc32c,
        };
        self.cloud.storage.sessions.begin(&id, session);
        Ok(id)
    }

    fn require_upload(&self, name: Name<'_>) -> Result<(), Refusal> {
        self.require(Permission::UploadsCreate, name.resource())?;
        self.require(Permission::ObjectsCreate, name.resource())
    }

    /// Create permission on a name, and whether an object there may be replaced.
    fn require_create(&self, name: Name<'_>) -> Result<Overwrite, Refusal> {
        let resource = name.resource();
        self.require(Permission::ObjectsCreate, resource)?;
        let replace = self.may(Permission::ObjectsDelete, resource);
        Ok(if replace { Overwrite::Allowed } else { Overwrite::Forbidden })
    }
}

/// A chunk for a resumable session; the session's id is the credential.
pub(crate) fn continue_session(
    cloud: &Cloud,
    id: &str,
    content_range: Option<&str>,
    bytes: &Bytes,
) -> Result<Progress, Refusal> {
    let chunk = Chunk::read(content_range, bytes.len())?;
    cloud.storage.sessions.take(id, chunk, bytes, |session, new| {
        if session.crc32c.as_ref().is_some_and(|wanted| *wanted != new.crc32c) {
            return Err(Refusal::BadDigest);
        }
        let name = Name { bucket: &session.bucket, key: &session.key };
        cloud.storage.put(name, new, &session.conditions, session.overwrite)
    })
}

/// The end of a resumable session without an object.
pub(crate) fn cancel_session(cloud: &Cloud, id: &str) -> Result<(), Refusal> {
    cloud.storage.sessions.cancel(id)
}

/// An id that nobody can guess.
fn fresh_id() -> Result<String, Refusal> {
    let mut random = [0_u8; 24];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| Refusal::Planned(http::StatusCode::INTERNAL_SERVER_ERROR))?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}
