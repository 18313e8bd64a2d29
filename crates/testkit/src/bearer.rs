//! A token, presented to the emulated storage as anybody could who holds it.

use std::sync::Arc;

use anyhow::{Context, Result};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Deployment;

/// Somebody who holds a token and an HTTP client.
#[derive(Debug)]
pub struct Bearer {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Bearer {
    /// The storage's status for a call; `path` and query stand as they are.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn call(&self, method: Method, path: &str, body: &str) -> Result<(u16, String)> {
        let url = [&self.url, path].concat();
        let request = self.client.request(method, url).bearer_auth(&self.token).body(body.to_owned());
        let response = request.send().await.context("storage")?;
        Ok((response.status().as_u16(), response.text().await.context("storage")?))
    }

    /// The status of reading an object.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn read(&self, bucket: &str, key: &str) -> Result<u16> {
        Ok(self.call(Method::GET, &object(bucket, key), "").await?.0)
    }

    /// The status of writing an object.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn write(&self, bucket: &str, key: &str) -> Result<u16> {
        Ok(self.call(Method::PUT, &object(bucket, key), "x").await?.0)
    }

    /// The status of listing a prefix.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<u16> {
        let path = format!("/{bucket}?list-type=2&prefix={}", encoded(prefix));
        Ok(self.call(Method::GET, &path, "").await?.0)
    }
}

/// The path of an object in the storage's XML dialect.
pub fn object(bucket: &str, key: &str) -> String {
    format!("/{bucket}/{}", encoded(key))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Deployment {
    /// Somebody who holds this token.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn bearer(&self, token: &str) -> Result<Bearer> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
        Ok(Bearer { client, url: self.emulator().url(), token: token.to_owned() })
    }
}
