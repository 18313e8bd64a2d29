//! `lakegate delegation-token issue` and `lakegate delegation-token show`.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use lakegate_client::{IssuedDelegationToken, issue_delegation_token};
use lakegate_delegation::{Described, MAX_URL_BYTES, describe};
use lakegate_domain::{Principal, Secret};
use serde_json::json;

use crate::args::{IssueArgs, Output, ShowArgs};
use crate::exit::{Exit, Invalid};
use crate::{connect, output};

/// Asks a broker for a token and prints it, or writes it to a file.
pub(crate) async fn issue(args: &IssueArgs, output: Output) -> Result<Exit> {
    let renewer = args.renewer.as_deref().map(Principal::parse).transpose();
    let renewer = renewer.map_err(|error| Invalid(format!("--renewer: {error}")))?;
    let issued = issue_delegation_token(connect::config(&args.broker)?, renewer.as_ref()).await?;
    match (&args.out, output) {
        (Some(file), _) => {
            write_private(file, &issued.token).with_context(|| file.display().to_string())?;
            told(&issued, file, output)?;
        }
        (None, Output::Table) => println!("{}", issued.token.expose()),
        (None, Output::Json) => output::json(&json!({
            "token": issued.token.expose(),
            "renew_before": issued.renew_before,
            "max_date": issued.max_date,
            "audit_id": issued.audit_id,
        }))?,
    }
    Ok(Exit::Done)
}

/// Everything but the token, which lies in the file.
fn told(issued: &IssuedDelegationToken, file: &Path, output: Output) -> Result<()> {
    let file = file.display().to_string();
    if output == Output::Json {
        return output::json(&json!({
            "file": file,
            "renew_before": issued.renew_before,
            "max_date": issued.max_date,
            "audit_id": issued.audit_id,
        }));
    }
    let mut table = output::table(&[]);
    table.add_row(["written to", &file]);
    table.add_row(["renew before", &issued.renew_before.to_string()]);
    table.add_row(["ends for good", &issued.max_date.to_string()]);
    table.add_row(["audit id", &issued.audit_id]);
    println!("{table}");
    Ok(())
}

/// Puts a token into place whole: a job that reads the file meanwhile sees the old one or the new one.
fn write_private(file: &Path, token: &Secret) -> io::Result<()> {
    let mut name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = file.with_file_name(name);
    let written = (|| {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        new.write_all(token.expose().as_bytes())?;
        new.write_all(b"\n")?;
        new.sync_all()?;
        fs::rename(&fresh, file)
    })();
    if written.is_err() {
        let _gone = fs::remove_file(&fresh);
    }
    written
}

/// Prints what a token says.
pub(crate) fn show(args: &ShowArgs, output: Output) -> Result<Exit> {
    let token = read(&args.token)?;
    let described = describe(token.expose().trim_ascii())
        .map_err(|error| Invalid(format!("not a delegation token: {error}")))?;
    let facts = facts(&described);
    match output {
        Output::Json => {
            let document: serde_json::Map<_, _> =
                facts.into_iter().map(|(name, value)| (name.replace(' ', "_"), value.into())).collect();
            output::json(&document)?;
        }
        Output::Table => {
            let mut table = output::table(&[]);
            for (name, value) in facts {
                table.add_row([name, &value]);
            }
            println!("{table}");
            println!("Not verified: only a broker can tell whether it is genuine.");
        }
    }
    Ok(Exit::Done)
}

/// Names and values, as they stand in the table and, with underscores, in JSON. Only the service is an unchecked text.
fn facts(described: &Described) -> Vec<(&'static str, String)> {
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
        ("cluster", said.cluster.escape_debug().to_string()),
        ("key", said.key.to_string()),
        ("sequence number", said.sequence.to_string()),
        ("store epoch", said.store_epoch.to_string()),
        ("service", described.service.escape_debug().to_string()),
    ]
}

/// The text of a token: from standard input, from a file of that name, or the argument itself.
fn read(argument: &str) -> Result<Secret> {
    let most = 2 * MAX_URL_BYTES as u64;
    let mut text = String::new();
    if argument == "-" {
        io::stdin().lock().take(most).read_to_string(&mut text).context("standard input")?;
    } else if Path::new(argument).is_file() {
        fs::File::open(argument)
            .and_then(|file| file.take(most).read_to_string(&mut text))
            .with_context(|| argument.to_owned())?;
    } else {
        argument.clone_into(&mut text);
    }
    Ok(Secret::new(text))
}
