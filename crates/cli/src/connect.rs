//! From command-line arguments to a client.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lakegate_client::{
    Client, ClientConfig, ClientError, ClientIdentity, ConfigFault, DelegationTokenSource,
};
use lakegate_domain::{OperationSet, Part, Target};
use lakegate_host::files;

use crate::args::BrokerArgs;
use crate::exit::Invalid;

/// A client for the brokers that the arguments name.
pub(crate) fn client(args: &BrokerArgs) -> Result<Client> {
    explained(args, Client::connect(config(args)?)).context("client")
}

/// The brokers and the identity that the arguments name.
pub(crate) fn config(args: &BrokerArgs) -> Result<ClientConfig> {
    if args.broker.is_empty() {
        return Err(missing("--broker", "LAKEGATE_BROKER").into());
    }
    let endpoints = args.broker.iter().map(|broker| broker.trim().parse()).collect::<Result<_, _>>();
    let endpoints = endpoints.map_err(|_| Invalid("--broker is not a URL".to_owned()))?;
    let ca = files::certificates(path(args.ca.as_ref(), "--ca", "LAKEGATE_CA")?)?;
    let mut config = ClientConfig::new(endpoints, ca);
    if let (Some(chain), Some(key)) = (&args.carrier_cert, &args.carrier_key) {
        config = config.with_carrier(identity(chain, key)?);
    }
    config.on_behalf_of.clone_from(&args.on_behalf_of);
    if let Some(source) = delegation_token(args)? {
        return Ok(config.with_delegation_token_from(source));
    }
    let chain = path(args.cert.as_ref(), "--cert", "LAKEGATE_CERT")?;
    Ok(config.with_identity(identity(chain, path(args.key.as_ref(), "--key", "LAKEGATE_KEY")?)?))
}

fn identity(chain: &Path, key: &Path) -> Result<ClientIdentity> {
    Ok(ClientIdentity { chain: files::certificates(chain)?, key: files::private_key(key)? })
}

/// Where the delegation token is, when it is by one that the caller comes. Hadoop sets its variable for every job, so
/// it says nothing to somebody who shows a certificate.
fn delegation_token(args: &BrokerArgs) -> Result<Option<DelegationTokenSource>> {
    let by_certificate = args.cert.is_some() || args.key.is_some();
    let source = DelegationTokenSource::from_variables(|name| match name {
        DelegationTokenSource::FILE_VARIABLE => args.delegation_token_file.clone().map(Into::into),
        DelegationTokenSource::HADOOP_VARIABLE if by_certificate => None,
        name => std::env::var_os(name),
    });
    let source = source.map_err(ClientError::from).context(DelegationTokenSource::TOKEN_VARIABLE)?;
    if source.is_some() && by_certificate {
        let text = "a delegation token and a certificate are two identities: leave out one of \
                    --delegation-token-file and --cert, or their variables";
        return Err(Invalid(text.to_owned()).into());
    }
    Ok(source)
}

/// Names the file of a token that cannot be used.
pub(crate) fn explained<T>(args: &BrokerArgs, outcome: Result<T, ClientError>) -> Result<T> {
    let about_file = |error: &ClientError| {
        matches!(
            error,
            ClientError::Config(
                ConfigFault::TokenFile(_)
                    | ConfigFault::TokenFileExposed
                    | ConfigFault::TokenStorage(_)
                    | ConfigFault::DelegationToken
            )
        )
    };
    match (outcome, delegation_token(args)) {
        (Err(error), Ok(Some(DelegationTokenSource::File(file)))) if about_file(&error) => {
            Err(anyhow::Error::from(error).context(file.display().to_string()))
        }
        (outcome, _) => Ok(outcome?),
    }
}

/// The part that a path and a list of operations name.
pub(crate) fn part(path: &str, operations: &str) -> Result<Part> {
    let invalid = |what: &str, why: String| Invalid([what, ": ", &why].concat());
    let target = Target::parse(path).map_err(|error| invalid("path", error.to_string()))?;
    let operations = OperationSet::parse(operations).map_err(|error| invalid("--op", error.to_string()))?;
    Ok(Part::new(target, operations).map_err(|error| invalid("--op", error.to_string()))?)
}

fn path<'a>(value: Option<&'a PathBuf>, flag: &str, variable: &str) -> Result<&'a Path> {
    value.map(PathBuf::as_path).ok_or_else(|| missing(flag, variable).into())
}

fn missing(flag: &str, variable: &str) -> Invalid {
    Invalid(format!("say {flag} or set {variable}"))
}
