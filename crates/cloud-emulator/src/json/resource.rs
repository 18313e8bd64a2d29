//! The `storage#object` resource, as answered and as sent by clients.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::storage::{Attributes, Name, Object, Refusal, instant};

/// The resource of an object.
pub(super) fn object(url: &str, Name { bucket, key }: Name<'_>, object: &Object) -> Value {
    let encoded = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
    let generation = object.generation;
    let mut resource = json!({
        "kind": "storage#object",
        "id": format!("{bucket}/{key}/{generation}"),
        "selfLink": format!("{url}/storage/v1/b/{bucket}/o/{encoded}"),
        "mediaLink": format!("{url}/download/storage/v1/b/{bucket}/o/{encoded}?generation={generation}&alt=media"),
        "name": key,
        "bucket": bucket,
        "generation": generation.to_string(),
        "metageneration": object.metageneration.to_string(),
        "storageClass": "STANDARD",
        "size": object.new.content.len().to_string(),
        "crc32c": object.new.crc32c,
        "etag": object.etag,
        "timeCreated": instant(object.created),
        "updated": instant(object.updated),
        "timeStorageClassUpdated": instant(object.created),
    });
    if let Some(fields) = resource.as_object_mut() {
        add_optional(fields, object);
    }
    resource
}

fn add_optional(fields: &mut Map<String, Value>, object: &Object) {
    let attributes = &object.new.attributes;
    let optional = [
        ("md5Hash", object.new.md5_base64()),
        ("contentType", attributes.content_type.clone()),
        ("contentEncoding", attributes.content_encoding.clone()),
        ("contentDisposition", attributes.content_disposition.clone()),
        ("contentLanguage", attributes.content_language.clone()),
        ("cacheControl", attributes.cache_control.clone()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.into());
        }
    }
    if !attributes.metadata.is_empty() {
        fields.insert("metadata".to_owned(), json!(attributes.metadata));
    }
}

/// The members of a resource that a client may set; all others are ignored, as the cloud does.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sent {
    pub(super) name: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) md5_hash: Option<String>,
    content_type: Option<String>,
    content_encoding: Option<String>,
    content_disposition: Option<String>,
    content_language: Option<String>,
    cache_control: Option<String>,
    metadata: Option<BTreeMap<String, Option<String>>>,
}

impl Sent {
    /// Reads a body; an empty one says nothing.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|_| Refusal::Invalid("Parse Error"))
    }

    /// The attributes of a new object; `content_type` counts when the resource names none.
    pub(super) fn into_attributes(self, content_type: Option<&str>) -> Attributes {
        let mut attributes =
            Attributes { content_type: content_type.map(str::to_owned), ..Attributes::default() };
        self.change(&mut attributes);
        attributes
    }

    /// Whether the resource says anything that a copy would take instead of the source's attributes.
    pub(super) fn says_attributes(&self) -> bool {
        let texts = [
            &self.content_type,
            &self.content_encoding,
            &self.content_disposition,
            &self.content_language,
            &self.cache_control,
        ];
        self.metadata.is_some() || texts.iter().any(|text| text.is_some())
    }

    /// Changes what is named, with `PATCH` semantics: a metadata entry of `null` goes away.
    pub(super) fn change(self, attributes: &mut Attributes) {
        let fields = [
            (self.content_type, &mut attributes.content_type),
            (self.content_encoding, &mut attributes.content_encoding),
            (self.content_disposition, &mut attributes.content_disposition),
            (self.content_language, &mut attributes.content_language),
            (self.cache_control, &mut attributes.cache_control),
        ];
        for (sent, field) in fields {
            if sent.is_some() {
                *field = sent;
            }
        }
        for (name, value) in self.metadata.unwrap_or_default() {
            match value {
                Some(value) => attributes.metadata.insert(name, value),
                None => attributes.metadata.remove(&name),
            };
        }
    }
}
