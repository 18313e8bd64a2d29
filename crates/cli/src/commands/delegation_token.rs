//! `lakegate delegation-token issue`; its sisters have files of their own.

pub(crate) mod credentials_file;
mod keep;
mod show;

use std::path::Path;

use anyhow::{Context, Result};
use lakegate_client::{
    IssuedDelegationToken, TokenBinding, issue_bound_delegation_token, issue_delegation_token, service_of,
};
use lakegate_delegation::Binding;
use lakegate_domain::{Principal, Secret};
use lakegate_host::files;
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

pub(crate) use self::keep::{cancel, renew};
pub(crate) use self::show::show;
use crate::args::{IssueArgs, Output};
use crate::exit::{Exit, Invalid};
use crate::{connect, output};

/// Asks a broker for a token and prints it, or writes it to a file.
pub(crate) async fn issue(args: &IssueArgs, output: Output) -> Result<Exit> {
    let renewer = args.renewer.as_deref().map(Principal::parse).transpose();
    let renewer = renewer.map_err(|error| Invalid(format!("--renewer: {error}")))?;
    let config = connect::config(&args.broker)?;
    let service = args.service.clone().or_else(|| config.endpoints.first().and_then(service_of));
    let service = service.unwrap_or_default();
    if let Some(file) = &args.credentials_file {
        // Before there is a token that could not be put anywhere.
        credentials_file::check(file, &service)?;
    }
    let issued = match binding(args)? {
        None => issue_delegation_token(config, renewer.as_ref()).await,
        Some(binding) => issue_bound_delegation_token(config, renewer.as_ref(), binding).await,
    };
    let issued = connect::explained(&args.broker, issued)?;
    if let Some(file) = &args.credentials_file {
        credentials_file::add(file, &service, &issued.token)?;
        told(&issued, (file, Some(&service)), output)?;
        return Ok(Exit::Done);
    }
    match (&args.out, output) {
        (Some(file), _) => {
            let text = with_newline(&issued.token);
            credentials_file::write_private(file, &text).with_context(|| file.display().to_string())?;
            told(&issued, (file, None), output)?;
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

/// What the token is to be bound to.
fn binding(args: &IssueArgs) -> Result<Option<TokenBinding>> {
    if let Some(uid) = &args.bind_pod {
        return Ok(Some(TokenBinding::PodUid(uid.clone())));
    }
    let Some(file) = &args.bind_certificate else { return Ok(None) };
    let chain = files::certificates(file)?;
    let unfit = || Invalid(format!("--bind-certificate: no certificate in {}", file.display()));
    let (_, leaf) = X509Certificate::from_der(chain.first().ok_or_else(unfit)?).map_err(|_| unfit())?;
    let key = Binding::of_public_key(leaf.public_key().raw);
    Ok(Some(TokenBinding::PublicKeySha256(*key.digest())))
}

fn with_newline(token: &Secret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([token.expose().as_bytes(), b"\n"].concat())
}

/// Everything but the token, which lies in the file.
fn told(issued: &IssuedDelegationToken, place: (&Path, Option<&str>), output: Output) -> Result<()> {
    let (file, service) = place;
    let file = file.display().to_string();
    if output == Output::Json {
        let mut document = json!({
            "file": file,
            "renew_before": issued.renew_before,
            "max_date": issued.max_date,
            "audit_id": issued.audit_id,
        });
        if let (Some(service), Some(document)) = (service, document.as_object_mut()) {
            document.insert("service".to_owned(), service.into());
        }
        return output::json(&document);
    }
    let mut table = output::table(&[]);
    table.add_row(["written to", &file]);
    if let Some(service) = service {
        table.add_row(["for the service", service]);
    }
    table.add_row(["renew before", &issued.renew_before.to_string()]);
    table.add_row(["ends for good", &issued.max_date.to_string()]);
    table.add_row(["audit id", &issued.audit_id]);
    println!("{table}");
    Ok(())
}
