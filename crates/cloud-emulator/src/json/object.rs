//! Calls on one object.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::resource::{self, Sent};
use crate::reply;
use crate::storage::{Access, Attributes, Conditions, Incoming, Name, Object, Refusal, Source, media};

/// `GET …/o/KEY`: the resource, or the content with `alt=media`.
pub(super) fn get(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Response, Refusal> {
    if incoming.query("alt") == Some("media") {
        return download(access, incoming, name);
    }
    let object = find(access, incoming, name)?;
    Ok(answer(access, name, &object))
}

/// The content, with `Range`.
pub(super) fn download(
    access: &Access<'_>,
    incoming: &Incoming,
    name: Name<'_>,
) -> Result<Response, Refusal> {
    media(&*find(access, incoming, name)?, incoming)
}

fn find(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Arc<Object>, Refusal> {
    access.get(name, &of_version(incoming)?)
}

/// Preconditions on the version that is asked for.
fn of_version(incoming: &Incoming) -> Result<Conditions, Refusal> {
    Conditions::of_query(incoming)?.of_version(incoming)
}

/// `PATCH …/o/KEY`: changes the members that are sent.
pub(super) fn patch(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Response, Refusal> {
    let sent = Sent::read(&incoming.body)?;
    let conditions = of_version(incoming)?;
    let object = access.patch(name, &conditions, |attributes| sent.change(attributes))?;
    Ok(answer(access, name, &object))
}

/// `PUT …/o/KEY`: replaces all members that can be sent.
pub(super) fn update(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Response, Refusal> {
    let sent = Sent::read(&incoming.body)?;
    let conditions = of_version(incoming)?;
    let object = access.patch(name, &conditions, |attributes| {
        *attributes = Attributes::default();
        sent.change(attributes);
    })?;
    Ok(answer(access, name, &object))
}

/// `DELETE …/o/KEY`.
pub(super) fn delete(access: &Access<'_>, incoming: &Incoming, name: Name<'_>) -> Result<Response, Refusal> {
    access.delete(name, &of_version(incoming)?)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// An object that was copied, to be answered in one of two shapes.
pub(super) struct Copied {
    resource: serde_json::Value,
    size: usize,
}

impl Copied {
    /// As `copyTo` answers: the resource.
    pub(super) fn as_object(&self) -> Response {
        reply::json(StatusCode::OK, &self.resource)
    }

    /// As `rewriteTo` answers; every rewrite is done in one call here.
    pub(super) fn as_rewrite(&self) -> Response {
        let body = json!({
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": self.size.to_string(),
            "objectSize": self.size.to_string(),
            "done": true,
            "resource": self.resource,
        });
        reply::json(StatusCode::OK, &body)
    }
}

/// `POST …/o/KEY/copyTo|rewriteTo/b/B/o/KEY`.
pub(super) fn copy(
    access: &Access<'_>,
    incoming: &Incoming,
    source: Name<'_>,
    target: Name<'_>,
) -> Result<Copied, Refusal> {
    let sent = Sent::read(&incoming.body)?;
    let attributes = sent.says_attributes().then(|| sent.into_attributes(None));
    let source = Source { name: source, conditions: Conditions::of_source_query(incoming)? };
    let object = access.copy(&source, target, attributes, &Conditions::of_query(incoming)?)?;
    Ok(Copied { resource: resource::object(access.url(), target, &object), size: object.new.content.len() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComposeRequest {
    source_objects: Vec<Component>,
    #[serde(default)]
    destination: Sent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    name: String,
    generation: Option<Version>,
    #[serde(default)]
    object_preconditions: ObjectPreconditions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectPreconditions {
    if_generation_match: Option<Version>,
}

/// A version number: a string by the JSON API's rule for 64 bits, a number in what some clients send.
#[derive(Deserialize)]
#[serde(untagged)]
enum Version {
    Number(u64),
    Text(String),
}

impl Version {
    fn read(version: Option<&Self>) -> Result<Option<u64>, Refusal> {
        let invalid = |_| Refusal::Invalid("Invalid generation.");
        match version {
            None => Ok(None),
            Some(Self::Number(number)) => Ok(Some(*number)),
            Some(Self::Text(text)) => text.parse().map(Some).map_err(invalid),
        }
    }
}

impl Component {
    fn source<'a>(&'a self, bucket: &'a str) -> Result<Source<'a>, Refusal> {
        let conditions = Conditions {
            version: Version::read(self.generation.as_ref())?,
            generation: Version::read(self.object_preconditions.if_generation_match.as_ref())?,
            ..Conditions::default()
        };
        Ok(Source { name: Name { bucket, key: &self.name }, conditions })
    }
}

/// `POST …/o/KEY/compose`.
pub(super) fn compose(
    access: &Access<'_>,
    incoming: &Incoming,
    target: Name<'_>,
) -> Result<Response, Refusal> {
    let request: ComposeRequest =
        serde_json::from_slice(&incoming.body).map_err(|_| Refusal::Invalid("Parse Error"))?;
    let components = request.source_objects.iter().map(|component| component.source(target.bucket));
    let sources = components.collect::<Result<Vec<_>, _>>()?;
    let attributes = request.destination.into_attributes(None);
    let conditions = Conditions::of_query(incoming)?;
    let object = access.compose(&sources, target, attributes, &conditions)?;
    Ok(answer(access, target, &object))
}

fn answer(access: &Access<'_>, name: Name<'_>, object: &Object) -> Response {
    reply::json(StatusCode::OK, &resource::object(access.url(), name, object))
}
