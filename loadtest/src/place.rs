//! Where the brokers are and who calls them: a deployment of our own, or brokers that run already.

use std::path::Path;

use anyhow::{Context, Result};
use lakegate_testkit::{Deployment, Options};

use crate::args::BrokersArgs;

/// Who calls in a deployment of our own.
const CALLER: &str = "alice";

/// Brokers, and a caller whom they know; all in PEM.
pub(crate) struct Place {
    /// `https://host:port`, at least one.
    pub(crate) endpoints: Vec<String>,
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Place {
    /// The brokers that the command line names, or else those of a deployment that is started here.
    pub(crate) async fn find(args: &BrokersArgs) -> Result<(Self, Option<Deployment>)> {
        if let Some(place) = Self::named(args)? {
            return Ok((place, None));
        }
        let deployment =
            Deployment::start(Options::sample()?).await.context("the deployment did not start")?;
        Ok((Self::of(&deployment)?, Some(deployment)))
    }

    /// A deployment in this process.
    fn of(deployment: &Deployment) -> Result<Self> {
        let issued = deployment.authority().client(CALLER)?;
        Ok(Self {
            endpoints: vec![deployment.endpoint()],
            authority: deployment.authority().certificate_pem(),
            certificate: issued.certificate_pem,
            key: issued.key_pem,
        })
    }

    /// The brokers that the command line names; none when it names none.
    fn named(args: &BrokersArgs) -> Result<Option<Self>> {
        let (Some(ca), Some(cert), Some(key)) = (&args.ca, &args.cert, &args.key) else { return Ok(None) };
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        let endpoints = args.endpoints.clone();
        Ok(Some(Self { endpoints, authority: read(ca)?, certificate: read(cert)?, key: read(key)? }))
    }
}
