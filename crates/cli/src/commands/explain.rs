//! `lakegate explain`.

use anyhow::Result;
use lakegate_domain::{Caller, Clock, Principal, Proof, SystemClock};
use serde_json::Value;

use crate::args::{ExplainArgs, Output};
use crate::exit::{Exit, Invalid};
use crate::{commands, connect, output};

/// Asks a broker, or a policy document, why something is or is not allowed. Denied is exit code 3.
pub(crate) async fn run(args: &ExplainArgs, output: Output) -> Result<Exit> {
    let part = connect::part(&args.path, &args.operations)?;
    let (allowed, document) = if let (Some(file), Some(principal)) = (&args.policy, &args.principal) {
        let principal =
            Principal::parse(principal).map_err(|error| Invalid(format!("--principal: {error}")))?;
        let caller = Caller::new(principal, Proof::ClientCertificate);
        let explanation = commands::policy::load(file)?.explain(&caller, &part, SystemClock.now());
        (explanation.is_allowed(), serde_json::to_value(&explanation)?)
    } else {
        let config = connect::config(&args.broker)?;
        let explained = lakegate_client::explain(config, &part, args.principal.as_deref()).await;
        let explained = connect::explained(&args.broker, explained)?;
        (explained.allowed, serde_json::from_str(&explained.document)?)
    };
    match output {
        Output::Json => output::json(&document)?,
        Output::Table => table(&document),
    }
    Ok(if allowed { Exit::Done } else { Exit::Denied })
}

/// Scalars of the document as rows, its rules as a table of their own.
fn table(document: &Value) {
    let mut facts = output::table(&[]);
    for (name, value) in document.as_object().into_iter().flatten() {
        if name != "rules" && !value.is_null() {
            facts.add_row([name.replace('_', " "), text(value)]);
        }
    }
    println!("{facts}");
    let rules = document.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(first) = rules.first().and_then(Value::as_object) else { return };
    let columns: Vec<&str> = first.keys().map(String::as_str).collect();
    let mut table = output::table(&columns);
    for rule in rules {
        table.add_row(columns.iter().map(|column| rule.get(column).map(text).unwrap_or_default()));
    }
    println!("{table}");
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| [name, ": ", &text(value)].concat())
            .collect::<Vec<_>>()
            .join("\n"),
        other => other.to_string(),
    }
}
