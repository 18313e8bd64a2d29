//! What a broker takes from files while it runs; policy follows its file by itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lakegate_delegation::KeyRing;
use lakegate_domain::{Clock, Secret};
use lakegate_host::files::{self, Contents, FileSet};
use lakegate_host::reload::Item;
use lakegate_host::{Readiness, Reloads};
use lakegate_token_store::settings::SealingSettings;
use lakegate_token_store::{LogName, RecordLog, SealedLog, SealedTokens, SealingKeys, TokenStore};

use crate::tls::{ClientCertificates, LiveTls, TlsSettings, follow as revocation};
use crate::{Delegation, DelegationKeys, DelegationSettings};

/// The public port's certificate, key and client authorities.
const TLS: &str = "tls";

/// The keys that seal tokens.
const SEALING_KEYS: &str = "sealing-keys";

/// The keys that seal the log of delegation tokens.
const TOKEN_LOG_KEYS: &str = "token-log-keys";

/// The keys that sign delegation tokens.
const DELEGATION_KEYS: &str = "delegation-keys";

/// The public port's settings, following their files.
pub(super) async fn tls(
    settings: TlsSettings,
    clients: ClientCertificates,
    clock: &Arc<dyn Clock>,
    reloads: &Reloads,
) -> Result<Arc<LiveTls>> {
    let (files, clock) = (settings.files()?, Arc::clone(clock));
    let contents = files.read()?;
    let revocations = settings.revocations()?;
    let unfit = format!(
        "certificate {} with key {} and the client authorities",
        settings.certificate.display(),
        settings.key.display(),
    );
    let live = LiveTls::new(settings.read(clients, &revocations, &contents)?, clock.now())
        .with_context(|| unfit.clone())?;
    let live = Arc::new(live);
    revocation(settings.places(&revocations)?, &live, &clock, reloads).await.context("revocation")?;
    let following = Arc::clone(&live);
    let renew = move |contents: &Contents| -> Result<()> {
        following
            .renew(settings.read(clients, &revocations, contents)?, clock.now())
            .with_context(|| unfit.clone())
    };
    let take = Arc::new(move |contents: &Contents| Ok(renew(contents)?));
    reloads.follow(Item { name: TLS, files, in_force: contents.digest(), take });
    Ok(live)
}

/// A broker is ready when every issuer whose certificates can be revoked has had a list.
pub(super) fn lists(tls: &Arc<LiveTls>, clock: &Arc<dyn Clock>, readiness: &Readiness) {
    let (tls, clock) = (Arc::clone(tls), Arc::clone(clock));
    readiness.require("revocation", move || tls.is_complete(clock.now()));
}

/// The shared tier; its keys follow their ring, if they stand in one.
pub(super) fn sealed_tokens(
    store: Arc<dyn TokenStore>,
    sealing: &SealingSettings,
    cluster: &str,
    clock: &Arc<dyn Clock>,
    reloads: &Reloads,
) -> Result<Arc<SealedTokens>> {
    let tokens = |keys| SealedTokens::new(store, keys, cluster, Arc::clone(clock));
    let Some(ring) = &sealing.ring else {
        let read = |path: &Path| -> Result<_> { Ok(files::read_secret_text(path)?) };
        return Ok(Arc::new(tokens(sealing.keys(read)?)?));
    };
    let files = FileSet::new().secret(ring);
    let contents = files.read()?;
    let keys = sealing.keys(|_| text_of(&contents)).with_context(|| ring.display().to_string())?;
    let tokens = Arc::new(tokens(keys)?);
    let following = Arc::clone(&tokens);
    let rotate = move |contents: &Contents| -> Result<()> {
        Ok(following.rotate(SealingKeys::from_ring(&text_of(contents)?)?)?)
    };
    let take = Arc::new(move |contents: &Contents| Ok(rotate(contents)?));
    reloads.follow(Item { name: SEALING_KEYS, files, in_force: contents.digest(), take });
    Ok(tokens)
}

/// The log of what becomes of delegation tokens; its keys follow their ring, if they stand in one.
pub(super) fn token_log(
    logs: Arc<dyn RecordLog>,
    sealing: &SealingSettings,
    cluster: &str,
    reloads: &Reloads,
) -> Result<Arc<SealedLog>> {
    let log = |keys| SealedLog::new(logs, LogName::DelegationTokens, keys, cluster);
    let Some(ring) = &sealing.ring else {
        let read = |path: &Path| -> Result<_> { Ok(files::read_secret_text(path)?) };
        return Ok(Arc::new(log(sealing.keys(read)?)?));
    };
    let files = FileSet::new().secret(ring);
    let contents = files.read()?;
    let keys = sealing.keys(|_| text_of(&contents)).with_context(|| ring.display().to_string())?;
    let log = Arc::new(log(keys)?);
    let following = Arc::clone(&log);
    let rotate = move |contents: &Contents| -> Result<()> {
        Ok(following.rotate(SealingKeys::from_ring(&text_of(contents)?)?)?)
    };
    let take = Arc::new(move |contents: &Contents| Ok(rotate(contents)?));
    reloads.follow(Item { name: TOKEN_LOG_KEYS, files, in_force: contents.digest(), take });
    Ok(log)
}

/// What the broker does with delegation tokens; its keys follow their ring, if they stand in one.
pub(super) fn delegation(
    settings: &DelegationSettings,
    log: Arc<SealedLog>,
    cluster: &str,
    reloads: &Reloads,
) -> Result<Delegation> {
    let with_keys = |ring| -> Result<Delegation> {
        Ok(Delegation {
            keys: DelegationKeys::new(ring),
            terms: settings.terms()?,
            skew: settings.skew(),
            log,
            follow_every: settings.view.follow_every()?,
            staleness: settings.view.staleness()?,
            quotas: settings.quotas.into(),
            epoch: settings.store_epoch,
        })
    };
    let Some(ring) = &settings.ring else {
        return with_keys(
            settings.ring(cluster, |path| -> Result<_> { Ok(files::read_secret_text(path)?) })?,
        );
    };
    let files = FileSet::new().secret(ring);
    let contents = files.read()?;
    let keys = settings.ring(cluster, |_| text_of(&contents)).with_context(|| ring.display().to_string())?;
    let delegation = with_keys(keys)?;
    let (following, cluster) = (delegation.keys.clone(), cluster.to_owned());
    let replace = move |contents: &Contents| -> Result<()> {
        following.replace(KeyRing::from_text(&cluster, &text_of(contents)?)?);
        Ok(())
    };
    let take = Arc::new(move |contents: &Contents| Ok(replace(contents)?));
    reloads.follow(Item { name: DELEGATION_KEYS, files, in_force: contents.digest(), take });
    Ok(delegation)
}

/// The text of the one file.
fn text_of(contents: &Contents) -> Result<Secret> {
    let [ring] = contents.files() else { bail!("not one file") };
    Ok(ring.secret_text()?)
}
