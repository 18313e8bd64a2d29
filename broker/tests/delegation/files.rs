//! A job whose delegation token lies in a file that somebody else keeps.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use lakegate_client::{Client, ClientError, DelegationTokenSource, TokenEnd, service_of};
use lakegate_delegation::describe;
use lakegate_delegation::hadoop::Credentials;
use lakegate_domain::{OperationSet, Part, Target};

use crate::world::{READ, SALES, World};

/// Puts a token-storage file with this token in its place.
fn put(path: &Path, token: &str, service: &str) -> Result<()> {
    let mut credentials = Credentials::new();
    credentials.put_ours(token, service)?;
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(&fresh)?.write_all(&credentials.to_bytes())?;
    Ok(std::fs::rename(fresh, path)?)
}

#[tokio::test]
async fn cl04_a_job_is_refused_when_its_token_ends_and_goes_on_when_its_file_holds_another() -> Result<()> {
    let world = World::start().await?;
    let config = world.lake.bare_config()?;
    let service = config.endpoints.first().and_then(service_of).unwrap();
    let file = world.lake.folder().join("job.storage");
    put(&file, &world.alice.delegation_token("").await?, &service)?;
    let source = DelegationTokenSource::File(file.clone());
    let job = Client::connect(config.with_delegation_token_from(source))?;
    let parts = [Part::new(Target::parse(SALES)?, OperationSet::of(READ))?];
    job.ask_anew(&parts).await?;
    world.clock.advance(Duration::from_hours(24));
    let ended = job.ask_anew(&parts).await.unwrap_err();
    let not_renewed = matches!(ended, ClientError::DelegationToken { end: TokenEnd::NotRenewed(_), .. });
    assert!(not_renewed, "{ended:?}");
    let fresh = world.alice.delegation_token("").await?;
    put(&file, &fresh, &service)?;
    let token = job.ask_anew(&parts).await?;
    let record = world.lake.audit().record(token.audit_id())?;
    assert_eq!(record["delegation_token"], describe(&fresh)?.identifier.id.to_string());
    Ok(())
}
