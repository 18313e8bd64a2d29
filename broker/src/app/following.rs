//! What a broker takes from files while it runs; policy follows its file by itself.

use std::sync::Arc;

use anyhow::{Context, Result};
use lakegate_domain::Clock;
use lakegate_host::Reloads;
use lakegate_host::files::Contents;
use lakegate_host::reload::Item;

use crate::config::TlsSettings;
use crate::tls::{ClientCertificates, LiveTls};

/// The public port's certificate, key and client authorities.
const TLS: &str = "tls";

/// The public port's settings, following their files.
pub(super) fn tls(
    settings: TlsSettings,
    clients: ClientCertificates,
    clock: &Arc<dyn Clock>,
    reloads: &Reloads,
) -> Result<Arc<LiveTls>> {
    let (files, clock) = (settings.files(), Arc::clone(clock));
    let contents = files.read()?;
    let unfit = format!(
        "certificate {} with key {} and client authorities {}",
        settings.certificate.display(),
        settings.key.display(),
        settings.client_ca.display()
    );
    let live =
        LiveTls::new(settings.read(clients, &contents)?, clock.now()).with_context(|| unfit.clone())?;
    let live = Arc::new(live);
    let following = Arc::clone(&live);
    let renew = move |contents: &Contents| -> Result<()> {
        following.renew(settings.read(clients, contents)?, clock.now()).with_context(|| unfit.clone())
    };
    let take = Arc::new(move |contents: &Contents| Ok(renew(contents)?));
    reloads.follow(Item { name: TLS, files, in_force: contents.digest(), take });
    Ok(live)
}
