//! From command-line arguments to a client.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lakegate_client::{Client, ClientConfig, ClientError, ClientIdentity, DelegationToken};
use lakegate_domain::{OperationSet, Part, Target};
use lakegate_host::files;

use crate::args::BrokerArgs;
use crate::exit::Invalid;

/// A client for the broker that the arguments name.
pub(crate) fn client(args: &BrokerArgs) -> Result<Client> {
    Client::connect(config(args)?).context("client")
}

/// The broker and the identity that the arguments name.
pub(crate) fn config(args: &BrokerArgs) -> Result<ClientConfig> {
    let endpoint = wanted(args.broker.as_deref(), "--broker", "LAKEGATE_BROKER")?;
    let endpoint = endpoint.parse().map_err(|_| Invalid("--broker is not a URL".to_owned()))?;
    let ca = files::certificates(path(args.ca.as_ref(), "--ca", "LAKEGATE_CA")?)?;
    let config = ClientConfig::new(vec![endpoint], ca);
    if let Some(file) = &args.delegation_token_file {
        if args.cert.is_some() || args.key.is_some() {
            let text = "a delegation token and a certificate are two identities: leave out one of \
                        --delegation-token-file and --cert, or their variables";
            return Err(Invalid(text.to_owned()).into());
        }
        let token = DelegationToken::from_file(file).map_err(ClientError::from);
        return Ok(config.with_delegation_token(token.with_context(|| file.display().to_string())?));
    }
    let chain = files::certificates(path(args.cert.as_ref(), "--cert", "LAKEGATE_CERT")?)?;
    let key = files::private_key(path(args.key.as_ref(), "--key", "LAKEGATE_KEY")?)?;
    Ok(config.with_identity(ClientIdentity { chain, key }))
}

/// The part that a path and a list of operations name.
pub(crate) fn part(path: &str, operations: &str) -> Result<Part> {
    let invalid = |what: &str, why: String| Invalid([what, ": ", &why].concat());
    let target = Target::parse(path).map_err(|error| invalid("path", error.to_string()))?;
    let operations = OperationSet::parse(operations).map_err(|error| invalid("--op", error.to_string()))?;
    Ok(Part::new(target, operations).map_err(|error| invalid("--op", error.to_string()))?)
}

fn wanted<'a>(value: Option<&'a str>, flag: &str, variable: &str) -> Result<&'a str> {
    value.ok_or_else(|| Invalid(format!("say {flag} or set {variable}")).into())
}

fn path<'a>(value: Option<&'a PathBuf>, flag: &str, variable: &str) -> Result<&'a Path> {
    value.map(PathBuf::as_path).ok_or_else(|| Invalid(format!("say {flag} or set {variable}")).into())
}
