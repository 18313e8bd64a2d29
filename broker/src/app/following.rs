//! What a broker takes from files while it runs; policy follows its file by itself.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lakegate_delegation::KeyRing;
use lakegate_domain::{Clock, Secret};
use lakegate_host::files::{self, Contents, FileSet};
use lakegate_host::reload::Item;
use lakegate_host::{Readiness, Reloads};
use lakegate_token_store::SealedLog;

use crate::tls::{ClientCertificates, LiveTls, TlsSettings, follow as revocation};
use crate::{Delegation, DelegationKeys, DelegationSettings};

/// The public port's certificate, key and client authorities.
const TLS: &str = "tls";

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

/// A broker becomes ready when every issuer whose certificates can be revoked has had a list.
pub(super) fn lists(tls: &Arc<LiveTls>, clock: &Arc<dyn Clock>, readiness: &Readiness) {
    let (tls, clock) = (Arc::clone(tls), Arc::clone(clock));
    readiness.require("revocation", move || tls.is_complete(clock.now()));
}

/// The keys of delegation tokens: those `stored`, or else those of a ring, which they follow, or of files.
pub(super) fn delegation_keys(
    settings: &DelegationSettings,
    stored: Option<DelegationKeys>,
    cluster: &str,
    reloads: &Reloads,
) -> Result<DelegationKeys> {
    if let Some(keys) = stored {
        return Ok(keys);
    }
    let Some(ring) = &settings.ring else {
        let ring = settings.ring(cluster, |path| -> Result<_> { Ok(files::read_secret_text(path)?) })?;
        return Ok(DelegationKeys::new(ring));
    };
    let files = FileSet::new().secret(ring);
    let contents = files.read()?;
    let keys = settings.ring(cluster, |_| text_of(&contents)).with_context(|| ring.display().to_string())?;
    let keys = DelegationKeys::new(keys);
    let (following, cluster) = (keys.clone(), cluster.to_owned());
    let replace = move |contents: &Contents| -> Result<()> {
        following.replace(KeyRing::from_text(&cluster, &text_of(contents)?)?);
        Ok(())
    };
    let take = Arc::new(move |contents: &Contents| Ok(replace(contents)?));
    reloads.follow(Item { name: DELEGATION_KEYS, files, in_force: contents.digest(), take });
    Ok(keys)
}

/// What the broker does with delegation tokens.
pub(super) fn delegation(
    settings: &DelegationSettings,
    keys: DelegationKeys,
    log: Arc<SealedLog>,
) -> Result<Delegation> {
    Ok(Delegation {
        keys,
        terms: settings.terms()?,
        skew: settings.skew(),
        log,
        follow_every: settings.view.follow_every()?,
        staleness: settings.view.staleness()?,
        quotas: settings.quotas.into(),
        epoch: settings.store_epoch,
    })
}

/// The text of the one file.
pub(super) fn text_of(contents: &Contents) -> Result<Secret> {
    let [ring] = contents.files() else { bail!("not one file") };
    Ok(ring.secret_text()?)
}
