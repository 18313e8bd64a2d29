//! Every method, called once, and what of its answer and of its audit record stands in the table.

use anyhow::{Context, Result};
use lakegate_proto::v1;
use lakegate_proto::v1::batch_result::Outcome;
use lakegate_testkit::{framed, part, request};
use serde_json::Value;
use tonic::Code;

use crate::askers::Asker;
use crate::world::{READ, SALES, World};

/// A method of the public port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Batch,
    Explain,
    ListDatasets,
    Issue,
    Renew,
    Cancel,
    Health,
}

/// The members of an audit record that say who asked and how it ended.
const MEMBERS: [&str; 12] = [
    "decision",
    "reason",
    "principal",
    "on_behalf_of",
    "proof",
    "kind",
    "profile",
    "application",
    "host",
    "carrier",
    "authority",
    "claimed",
];

impl Method {
    pub(crate) const ALL: [Self; 8] = [
        Self::Get,
        Self::Batch,
        Self::Explain,
        Self::ListDatasets,
        Self::Issue,
        Self::Renew,
        Self::Cancel,
        Self::Health,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GetAccessToken",
            Self::Batch => "BatchGetAccessTokens",
            Self::Explain => "Explain",
            Self::ListDatasets => "ListDatasets",
            Self::Issue => "Issue",
            Self::Renew => "Renew",
            Self::Cancel => "Cancel",
            Self::Health => "Health",
        }
    }
}

/// What a caller was told, and the id of the record.
struct Told {
    text: String,
    audit_id: String,
}

impl Told {
    fn ok(text: &str, audit_id: String) -> Self {
        Self { text: ["OK", text].concat(), audit_id }
    }

    fn refused(refused: lakegate_testkit::Refused) -> Self {
        let text = format!("{:?} {}", refused.code, refused.reason);
        Self { text: text.trim_end().to_owned(), audit_id: refused.audit_id }
    }
}

impl World {
    /// One cell: what the caller is told, and what stands on record.
    pub(crate) async fn row(&self, method: Method, asker: &Asker) -> Result<String> {
        let told = self.call(method, asker).await?;
        if told.audit_id.is_empty() {
            return Ok([&told.text, " | no record"].concat());
        }
        let record = self.lake.audit().record(&told.audit_id)?;
        let word = |name: &str| {
            record.get(name).and_then(Value::as_str).map(|word| (name.to_owned(), word.to_owned()))
        };
        let words = MEMBERS.iter().filter_map(|name| word(name)).map(|(name, word)| match name.as_str() {
            "decision" | "reason" => word,
            _ => [&name, "=", &word].concat(),
        });
        let handed_out = record.get("token").map(|_| "handed-out".to_owned());
        let words: Vec<String> = words.chain(handed_out).collect();
        Ok(format!("{} | {} ", told.text, words.join(" ")).trim_end().to_owned())
    }

    async fn call(&self, method: Method, asker: &Asker) -> Result<Told> {
        let caller = &asker.caller;
        let on_behalf_of = asker.on_behalf_of.to_owned();
        let get = v1::GetAccessTokenRequest {
            parts: vec![part(SALES, READ)],
            on_behalf_of: on_behalf_of.clone(),
            ..Default::default()
        };
        let told = match method {
            Method::Get => caller.get(get).await.map(|answer| Told::ok("", answer.audit_id)),
            Method::Batch => caller.batch(vec![get]).await.map(|answer| item(&answer)),
            Method::Explain => {
                caller.explain_for(part(SALES, READ), asker.on_behalf_of).await.map(|answer| {
                    Told::ok(
                        if answer.allowed { " it would be allowed" } else { " it would be denied" },
                        answer.audit_id,
                    )
                })
            }
            Method::ListDatasets => {
                let request = v1::ListDatasetsRequest { on_behalf_of, ..Default::default() };
                caller.datasets(request).await.map(|answer| {
                    let names: Vec<_> = answer.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
                    Told::ok(&format!(" [{}]", names.join(",")), answer.audit_id)
                })
            }
            Method::Issue => {
                let request = v1::IssueDelegationTokenRequest { on_behalf_of, ..Default::default() };
                caller.issue(request).await.map(|answer| Told::ok("", answer.audit_id))
            }
            Method::Renew => {
                let token = self.alices_token().await?;
                caller.renew(&token).await.map(|answer| Told::ok("", answer.audit_id))
            }
            Method::Cancel => {
                let token = self.alices_token().await?;
                caller.cancel(&token).await.map(|answer| Told::ok("", answer.audit_id))
            }
            Method::Health => return health(asker).await,
        };
        Ok(told.unwrap_or_else(Told::refused))
    }
}

/// The one item of a batch.
fn item(answer: &v1::BatchGetAccessTokensResponse) -> Told {
    let result = answer.results.first().unwrap();
    match result.outcome.as_ref().unwrap() {
        Outcome::Token(_) => Told::ok("", result.audit_id.clone()),
        Outcome::Error(error) => {
            let text = format!("{:?} {}", Code::from(error.code), error.reason);
            Told { text, audit_id: result.audit_id.clone() }
        }
    }
}

/// Health asks nobody who it is, and writes nothing down.
async fn health(asker: &Asker) -> Result<Told> {
    let raw = asker.caller.send(request("/grpc.health.v1.Health/Check", framed(&[]))?).await?;
    let status = raw.status.context("a status")?;
    Ok(Told { text: format!("{:?}", status.code()).to_uppercase(), audit_id: String::new() })
}
