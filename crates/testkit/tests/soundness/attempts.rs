//! Storage calls with somebody's token, as anybody could make them who holds it.

use lakegate_domain::{Credential, OperationSet};
use lakegate_testkit::Deployment;
use reqwest::{Method, StatusCode};

const BUCKET: &str = "lake-sound";

/// Tries storage calls and says which succeeded.
pub(crate) struct Attempts<'a> {
    deployment: &'a Deployment,
    http: reqwest::Client,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(deployment: &'a Deployment) -> Self {
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
        Self { deployment, http }
    }

    /// Reads, overwrites, deletes and creates one object; for each what it takes and whether it worked.
    pub(crate) async fn on_object(&self, credential: &Credential, name: &str) -> Vec<(OperationSet, bool)> {
        let set = |text| OperationSet::parse(text).unwrap();
        let there = || self.deployment.emulator().put_object(BUCKET, name, "there").unwrap();
        let url = self.url(name);
        there();
        let read = self.call(Method::GET, &url, credential).await;
        let overwrite = self.call(Method::PUT, &url, credential).await;
        there();
        let delete = self.call(Method::DELETE, &url, credential).await;
        self.remove(name).await;
        let create = self.call(Method::PUT, &url, credential).await;
        self.remove(name).await;
        vec![
            (set("read"), read),
            (set("create+delete"), overwrite),
            (set("delete"), delete),
            (set("create"), create),
        ]
    }

    /// Lists a prefix.
    pub(crate) async fn list(&self, credential: &Credential, prefix: &str) -> bool {
        let mut url: reqwest::Url =
            [&self.deployment.emulator().url(), "/", BUCKET].concat().parse().unwrap();
        url.query_pairs_mut().append_pair("list-type", "2").append_pair("prefix", prefix);
        self.call(Method::GET, url.as_str(), credential).await
    }

    fn url(&self, name: &str) -> String {
        let mut url: reqwest::Url = self.deployment.emulator().url().parse().unwrap();
        url.path_segments_mut().unwrap().push(BUCKET).extend(name.split('/'));
        url.to_string()
    }

    /// Takes the object away with the storage's own rights.
    async fn remove(&self, name: &str) {
        let owner =
            self.deployment.emulator().source_token("lake-storage@emulated.iam.gserviceaccount.com").unwrap();
        let gone =
            self.http.delete(self.url(name)).bearer_auth(owner.expose()).send().await.unwrap().status();
        assert!(matches!(gone, StatusCode::NO_CONTENT | StatusCode::NOT_FOUND), "{gone}");
    }

    async fn call(&self, method: Method, url: &str, credential: &Credential) -> bool {
        let Credential::Bearer(token) = credential else { panic!("not a bearer token") };
        let body = if method == Method::PUT { "new" } else { "" };
        let call = self.http.request(method, url).bearer_auth(token.expose()).body(body);
        match call.send().await.unwrap().status() {
            StatusCode::OK | StatusCode::NO_CONTENT => true,
            StatusCode::FORBIDDEN => false,
            other => panic!("{url}: {other}"),
        }
    }
}
