//! What is under load, and one call to it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use anyhow::{Context, Result};
use lakegate_client::{Client, ClientConfig, ClientIdentity};
use lakegate_domain::{Operation, OperationSet};
use lakegate_proto::v1::access_token_service_client::AccessTokenServiceClient;
use lakegate_proto::v1::{self, GetAccessTokenRequest};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::args::{Args, Through};
use crate::place::Place;

/// One call's future.
pub(crate) type Call = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>>;

/// What is called.
pub(crate) struct Target {
    path: String,
    brokers: usize,
    by: By,
}

enum By {
    /// The wire, over several connections.
    Wire(Vec<AccessTokenServiceClient<Channel>>),
    /// The client library.
    Client(Client),
}

impl Target {
    /// Connects, and makes sure that a call is answered.
    pub(crate) async fn connect(place: &Place, args: &Args) -> Result<Self> {
        let by = match args.through {
            Through::Client => By::Client(client(place)?),
            Through::Broker => By::Wire(wire(place, args).await?),
        };
        let target = Self { path: args.brokers.path.clone(), brokers: place.endpoints.len(), by };
        target.call(0).await.map_err(anyhow::Error::msg).context("the first call failed")?;
        Ok(target)
    }

    /// Begins the call of this number.
    pub(crate) fn call(&self, number: u64) -> Call {
        match &self.by {
            By::Client(client) => {
                let (client, path) = (client.clone(), self.path.clone());
                Box::pin(async move {
                    let read = OperationSet::of(&[Operation::Read]);
                    let token = client.token_for(path.as_str(), read).await;
                    token.map(drop).map_err(|_| "the client has no token")
                })
            }
            By::Wire(channels) => {
                let turn = usize::try_from(number).unwrap_or(0) % channels.len().max(1);
                let channel = channels.get(turn).cloned();
                let request = request(&self.path);
                Box::pin(async move {
                    let mut channel = channel.ok_or("no connection")?;
                    let answer = channel.get_access_token(request).await;
                    answer.map(drop).map_err(|_| "the broker gave no token")
                })
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            By::Wire(channels) => {
                let (connections, brokers) = (channels.len(), self.brokers);
                write!(out, "GetAccessToken over {connections} connections to {brokers} brokers")
            }
            By::Client(_) => out.write_str("the client library's own tier"),
        }
    }
}

fn request(path: &str) -> GetAccessTokenRequest {
    let part = v1::Part { path: path.to_owned(), operations: vec![v1::Operation::Read.into()] };
    GetAccessTokenRequest { parts: vec![part], ..GetAccessTokenRequest::default() }
}

fn client(place: &Place) -> Result<Client> {
    let certificates = |pem: &str| {
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().context("certificate")
    };
    let endpoints = place.endpoints.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
    let chain = certificates(&place.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(place.key.as_bytes()).context("key")?;
    let config = ClientConfig::new(endpoints, certificates(&place.authority)?);
    Ok(Client::connect(config.with_identity(ClientIdentity { chain, key }))?)
}

/// So many connections to each broker, brokers in turn.
async fn wire(place: &Place, args: &Args) -> Result<Vec<AccessTokenServiceClient<Channel>>> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&place.authority))
        .identity(Identity::from_pem(&place.certificate, &place.key));
    let mut channels = Vec::new();
    for _ in 0..args.connections.get() {
        for url in &place.endpoints {
            let endpoint = Channel::from_shared(url.clone())?.tls_config(tls.clone())?;
            let channel = endpoint.connect().await.with_context(|| format!("broker {url}"))?;
            channels.push(AccessTokenServiceClient::new(channel));
        }
    }
    Ok(channels)
}
