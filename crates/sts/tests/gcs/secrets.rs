//! Secrets are where they belong and nowhere else (LG01).

use std::io::Write;
use std::sync::{Arc, Mutex};

use lakegate_cloud_emulator::{Endpoint, Fault};
use lakegate_sts::gcs::source::WantedLife;
use tracing_subscriber::fmt::MakeWriter;

use crate::cloud::{Cloud, bearer};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn lg01_no_token_key_or_upstream_body_is_in_debug_output_errors_or_logs() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let cloud = Cloud::start().await;
    let source = cloud.impersonation_source();
    let source_token = source.token(WantedLife::Longest).await.unwrap();
    let (minter, scope) = (cloud.minter(), cloud.scopes().plain);
    let token = minter.mint(&scope, 1).await.unwrap();
    let mut seen =
        vec![format!("{source:?} {source_token:?} {minter:?} {token:?} {:#?}", cloud.key_file_source())];
    for body in [
        r#"{"error":"invalid_request","error_description":"canary-7f3a"}"#,
        r#"{"access_token":"canary-7f3a","token_type":"mac"}"#,
        r#"{"access_token":"canary-7f3a","token_type":"Bearer","error":"canary-7f3a"}"#,
        "canary-7f3a",
    ] {
        cloud.emulator.faults().next_calls(Endpoint::Sts, &Fault::Body(body.into()), 1);
        let error = minter.mint(&scope, 1).await.unwrap_err();
        seen.push(format!("{error} {error:?} {:?}", std::error::Error::source(&error)));
        cloud.emulator.faults().next_calls(Endpoint::Iam, &Fault::Body(body.into()), 1);
        let error = source.token(WantedLife::Longest).await.unwrap_err();
        seen.push(format!("{error} {error:?}"));
    }
    seen.push(String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned());
    let seen = seen.concat();
    let key = cloud.key.private_key_pem().expose();
    let key_line = key.lines().nth(3).unwrap();
    for secret in [bearer(&token), source_token.secret().expose(), key_line, "canary-7f3a"] {
        assert!(!seen.contains(secret), "a secret is visible");
    }
}
