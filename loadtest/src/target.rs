//! The deployment under load, and one call to it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use anyhow::{Context, Result};
use lakegate_client::Client;
use lakegate_domain::{Operation, OperationSet};
use lakegate_proto::v1::access_token_service_client::AccessTokenServiceClient;
use lakegate_proto::v1::{self, GetAccessTokenRequest};
use lakegate_testkit::{Deployment, Options};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::args::{Args, Through};

/// Who calls, and an object that the sample policy lets her read.
const CALLER: &str = "alice";
const OBJECT: &str = "gs://lake-sample/warehouse/sales/us/2026-11-01/part-0.csv";

/// One call's future.
pub(crate) type Call = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>>;

/// The sample lake, filled by its generator.
pub(crate) async fn deployment() -> Result<Deployment> {
    Deployment::start(Options::sample()?).await
}

/// What is called.
pub(crate) enum Target {
    /// A broker, over several connections.
    Broker(Vec<AccessTokenServiceClient<Channel>>),
    /// The client library.
    Client(Client),
}

impl Target {
    /// Connects, and makes sure that a call is answered.
    pub(crate) async fn connect(deployment: &Deployment, args: &Args) -> Result<Self> {
        let target = match args.through {
            Through::Client => Self::Client(deployment.client(CALLER)?),
            Through::Broker => {
                let mut channels = Vec::new();
                for _ in 0..args.connections.get() {
                    channels.push(AccessTokenServiceClient::new(connect(deployment).await?));
                }
                Self::Broker(channels)
            }
        };
        target.call(0).await.map_err(anyhow::Error::msg).context("the first call failed")?;
        Ok(target)
    }

    /// Begins the call of this number.
    pub(crate) fn call(&self, number: u64) -> Call {
        match self {
            Self::Client(client) => {
                let client = client.clone();
                Box::pin(async move {
                    let read = OperationSet::of(&[Operation::Read]);
                    client.token_for(OBJECT, read).await.map(drop).map_err(|_| "the client has no token")
                })
            }
            Self::Broker(channels) => {
                let turn = usize::try_from(number).unwrap_or(0) % channels.len().max(1);
                let channel = channels.get(turn).cloned();
                Box::pin(async move {
                    let mut channel = channel.ok_or("no connection")?;
                    channel
                        .get_access_token(request())
                        .await
                        .map(drop)
                        .map_err(|_| "the broker gave no token")
                })
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(channels) => {
                write!(out, "GetAccessToken over {} connections, in one process", channels.len())
            }
            Self::Client(_) => out.write_str("the client library's own tier"),
        }
    }
}

fn request() -> GetAccessTokenRequest {
    let part = v1::Part { path: OBJECT.to_owned(), operations: vec![v1::Operation::Read.into()] };
    GetAccessTokenRequest { parts: vec![part], ..GetAccessTokenRequest::default() }
}

async fn connect(deployment: &Deployment) -> Result<Channel> {
    let issued = deployment.authority().client(CALLER)?;
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(deployment.authority().certificate_pem()))
        .identity(Identity::from_pem(issued.certificate_pem, issued.key_pem));
    let endpoint = Channel::from_shared(deployment.endpoint())?.tls_config(tls)?;
    Ok(endpoint.connect().await?)
}
