//! `lakegate delegation-token renew` and `cancel`: what becomes of a token after its issue.

use anyhow::Result;
use lakegate_client::{cancel_delegation_token, renew_delegation_token};
use lakegate_delegation::hadoop::Credentials;
use lakegate_delegation::{KIND, MAX_URL_BYTES};
use lakegate_domain::Secret;
use serde_json::json;

use super::show::read;
use crate::args::{KeepArgs, Output};
use crate::exit::{Exit, Invalid};
use crate::{connect, output};

/// Renews a token as its renewer.
pub(crate) async fn renew(args: &KeepArgs, output: Output) -> Result<Exit> {
    let token = one_token(&args.token)?;
    let renewed = renew_delegation_token(connect::config(&args.broker)?, &token).await;
    let renewed = connect::explained(&args.broker, renewed)?;
    if output == Output::Json {
        output::json(&json!({ "renew_before": renewed.renew_before, "audit_id": renewed.audit_id }))?;
        return Ok(Exit::Done);
    }
    let mut table = output::table(&[]);
    table.add_row(["renew before", &renewed.renew_before.to_string()]);
    table.add_row(["audit id", &renewed.audit_id]);
    println!("{table}");
    Ok(Exit::Done)
}

/// Cancels a token as its owner or its renewer.
pub(crate) async fn cancel(args: &KeepArgs, output: Output) -> Result<Exit> {
    let token = one_token(&args.token)?;
    let cancelled = cancel_delegation_token(connect::config(&args.broker)?, &token).await;
    let cancelled = connect::explained(&args.broker, cancelled)?;
    if output == Output::Json {
        output::json(&json!({ "cancelled": true, "audit_id": cancelled.audit_id }))?;
        return Ok(Exit::Done);
    }
    let mut table = output::table(&[]);
    table.add_row(["cancelled", "every broker refuses it within seconds"]);
    table.add_row(["audit id", &cancelled.audit_id]);
    println!("{table}");
    Ok(Exit::Done)
}

/// The token that an argument, a file, standard input, or the one entry of our kind in a file of Hadoop's holds.
fn one_token(argument: &str) -> Result<Secret> {
    let bytes = read(argument)?;
    if Credentials::begin(&bytes) {
        let stored = Credentials::read(&bytes).map_err(|error| Invalid(format!("not usable: {error}")))?;
        let mut ours = stored.tokens().filter(|(_, token)| token.kind == KIND);
        let (Some((_, token)), None) = (ours.next(), ours.next()) else {
            let text =
                "the file does not hold exactly one delegation token of Lakegate's: give the token itself";
            return Err(Invalid(text.to_owned()).into());
        };
        return Ok(Secret::new(token.to_url()));
    }
    let text = std::str::from_utf8(&bytes).map(str::trim_ascii).unwrap_or_default();
    if text.is_empty() || text.len() > MAX_URL_BYTES {
        return Err(Invalid("not a delegation token".to_owned()).into());
    }
    Ok(Secret::new(text.to_owned()))
}
