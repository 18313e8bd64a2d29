//! `lakegate token get`.

use anyhow::{Result, bail};
use lakegate_client::BrokeredToken;
use lakegate_domain::Credential;
use serde_json::json;

use crate::args::{Output, TokenArgs};
use crate::exit::Exit;
use crate::{connect, output};

/// Asks a broker for a token and prints it.
pub(crate) async fn get(args: &TokenArgs, output: Output) -> Result<Exit> {
    let part = connect::part(&args.path, &args.operations)?;
    let token = connect::client(&args.broker)?.token_for_parts(&[part]).await?;
    if args.bearer {
        println!("{}", bearer(&token)?);
        return Ok(Exit::Done);
    }
    match output {
        Output::Json => output::json(&document(&token)?)?,
        Output::Table => table(&token),
    }
    Ok(Exit::Done)
}

fn bearer(token: &BrokeredToken) -> Result<&str> {
    match token.credential() {
        Credential::Bearer(secret) => Ok(secret.expose()),
        Credential::Aws { .. } | Credential::Sas(_) => bail!("the storage's credential is no bearer token"),
    }
}

fn document(token: &BrokeredToken) -> Result<serde_json::Value> {
    Ok(json!({
        "token": bearer(token)?,
        "expires_at": token.expires_at(),
        "refresh_after": token.refresh_after(),
        "ends_early": token.ends_early(),
        "covered": covered(token),
        "closure": token.closure().to_string(),
        "storage": token.storage(),
        "audit_id": token.audit_id(),
    }))
}

fn covered(token: &BrokeredToken) -> Vec<String> {
    token.covered().iter().map(ToString::to_string).collect()
}

/// Everything but the token itself: a terminal is no place for it.
fn table(token: &BrokeredToken) {
    let mut table = output::table(&[]);
    table.add_row(["covers", &covered(token).join("\n")]);
    table.add_row(["can really do", &token.closure().to_string()]);
    table.add_row(["expires", &token.expires_at().to_string()]);
    if let Some(refresh) = token.refresh_after() {
        table.add_row(["ask again after", &refresh.to_string()]);
    }
    table.add_row(["ends with its grant", if token.ends_early() { "yes" } else { "no" }]);
    table.add_row(["storage", token.storage().as_str()]);
    table.add_row(["audit id", token.audit_id()]);
    println!("{table}");
    println!("The token itself: --bearer, or -o json.");
}
