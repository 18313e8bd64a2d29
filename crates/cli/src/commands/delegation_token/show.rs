//! `lakegate delegation-token show`: what a token, or a token-storage file of Hadoop's, says.
//!
//! Nothing is verified and no secret is printed: of others' tokens the alias, kind and service, of secrets the alias.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result};
use lakegate_delegation::hadoop::{Credentials, MAX_CREDENTIALS_BYTES};
use lakegate_delegation::{Described, KIND, MAX_URL_BYTES, Malformed, TokenView, describe};
use lakegate_domain::Principal;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::args::{Output, ShowArgs};
use crate::exit::{Exit, Invalid};
use crate::output;

/// Names and values, as they stand in tables and, with underscores, in JSON.
type Facts = Vec<(&'static str, String)>;

/// Prints what is in the argument, in its file, or on standard input.
pub(crate) fn show(args: &ShowArgs, output: Output) -> Result<Exit> {
    let bytes = read(&args.token)?;
    if Credentials::begin(&bytes) {
        let credentials =
            Credentials::read(&bytes).map_err(|error| Invalid(format!("not usable: {error}")))?;
        return stored(&credentials, output);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed(Malformed::Base64))?;
    let text = text.trim_ascii();
    if text.len() > MAX_URL_BYTES {
        return Err(malformed(Malformed::TooLong).into());
    }
    let facts = facts(&describe(text).map_err(malformed)?);
    match output {
        Output::Json => output::json(&object(facts))?,
        Output::Table => {
            table(facts);
            println!("Not verified: only a broker can tell whether it is genuine.");
        }
    }
    Ok(Exit::Done)
}

fn malformed(error: Malformed) -> Invalid {
    Invalid(format!("not a delegation token: {error}"))
}

/// A token-storage file: ours at length, others' by name.
fn stored(credentials: &Credentials, output: Output) -> Result<Exit> {
    let mut all = Vec::new();
    for (alias, token) in credentials.tokens() {
        all.push(entry(alias, &token).map_err(malformed)?);
    }
    let secrets: Vec<String> = credentials.secret_aliases().map(shown).collect();
    if output == Output::Json {
        let tokens: Vec<Value> = all.into_iter().map(object).collect();
        output::json(&json!({ "tokens": tokens, "secrets": secrets }))?;
        return Ok(Exit::Done);
    }
    all.into_iter().for_each(table);
    if !secrets.is_empty() {
        println!("Secrets under {}; not shown.", secrets.join(", "));
    }
    println!("Nothing is verified: only a broker can tell whether a token is genuine.");
    Ok(Exit::Done)
}

fn entry(alias: &str, token: &TokenView<'_>) -> Result<Facts, Malformed> {
    let mut all = vec![("alias", shown(alias)), ("kind", shown(token.kind))];
    if token.kind == KIND {
        all.extend(facts(&token.described()?));
    } else {
        all.push(("service", shown(token.service)));
    }
    Ok(all)
}

fn table(facts: Facts) {
    let mut table = output::table(&[]);
    for (name, value) in facts {
        table.add_row([name, &value]);
    }
    println!("{table}");
}

fn object(facts: Facts) -> Value {
    facts
        .into_iter()
        .map(|(name, value)| (name.replace(' ', "_"), value.into()))
        .collect::<Map<_, _>>()
        .into()
}

/// Any text, such that a terminal takes no orders from it.
fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// Only the service and the cluster are unchecked texts.
fn facts(described: &Described) -> Facts {
    let said = &described.identifier;
    let nobody = || "-".to_owned();
    let name = |principal: &Option<Principal>| principal.as_ref().map_or_else(nobody, ToString::to_string);
    vec![
        ("owner", said.owner.to_string()),
        ("renewer", name(&said.renewer)),
        ("real user", name(&said.real_user)),
        ("issued", said.issued.to_string()),
        ("first renew date", said.first_renew_date.to_string()),
        ("max date", said.max_date.to_string()),
        ("id", said.id.to_string()),
        ("cluster", shown(&said.cluster)),
        ("key", said.key.to_string()),
        ("sequence number", said.sequence.to_string()),
        ("store epoch", said.store_epoch.to_string()),
        ("service", shown(&described.service)),
    ]
}

/// The bytes from standard input, of a file of that name, or of the argument itself.
pub(super) fn read(argument: &str) -> Result<Zeroizing<Vec<u8>>> {
    let most = MAX_CREDENTIALS_BYTES as u64 + 1;
    let mut bytes = Zeroizing::new(Vec::new());
    if argument == "-" {
        io::stdin().lock().take(most).read_to_end(&mut bytes).context("standard input")?;
    } else if Path::new(argument).is_file() {
        fs::File::open(argument)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .with_context(|| argument.to_owned())?;
    } else {
        bytes.extend_from_slice(argument.as_bytes());
    }
    Ok(bytes)
}
