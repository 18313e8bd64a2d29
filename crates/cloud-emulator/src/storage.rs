//! Cloud Storage, independent of the dialect it is spoken to in.
//!
//! *Invariant:* no object is read, written, named or counted for a caller except through [`Access`], which reduces
//! every action to permissions on resources.

mod access;
mod actions;
mod conditions;
mod incoming;
mod listing;
mod media;
mod objects;
mod range;
mod refusal;
mod sessions;
mod uploads;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;

pub(crate) use access::Access;
pub(crate) use actions::{Source, cancel_session, continue_session};
pub(crate) use conditions::Conditions;
pub(crate) use incoming::{Incoming, decode};
pub(crate) use listing::{ListQuery, Page};
pub(crate) use media::{instant, media, quoted_etag, stamp, stamp_hashes};
pub(crate) use objects::{Attributes, NewObject, Object, Storage};
pub(crate) use refusal::{Missing, Refusal};
pub(crate) use sessions::{Progress, Session};
pub(crate) use uploads::Part;

use crate::boundary::Resource;
use crate::cloud::Cloud;
use crate::route::Dialect;
use crate::{json, xml};

/// The name of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
}

impl<'a> Name<'a> {
    /// As the resource that permissions are needed on.
    fn resource(self) -> Resource<'a> {
        Resource::Object { bucket: self.bucket, key: self.key }
    }
}

/// Answers a storage call in the dialect of its path.
pub(crate) async fn handle(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let dialect = Dialect::of(request.uri().path());
    let answered = match Incoming::read(request).await {
        Ok(incoming) => match dialect {
            Dialect::Json => json::answer(&cloud, &incoming),
            Dialect::Xml => xml::answer(&cloud, &incoming),
        },
        Err(refusal) => Err(refusal),
    };
    answered.unwrap_or_else(|refusal| refuse(dialect, &refusal))
}

/// A planned failure, in the body that the dialect has for it.
pub(crate) fn unavailable(dialect: Dialect, status: StatusCode) -> Response {
    refuse(dialect, &Refusal::Planned(status))
}

fn refuse(dialect: Dialect, refusal: &Refusal) -> Response {
    match dialect {
        Dialect::Json => json::refuse(refusal),
        Dialect::Xml => xml::refuse(refusal),
    }
}
