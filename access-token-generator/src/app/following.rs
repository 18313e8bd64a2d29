//! What a generator takes from files while it runs; policy follows its file by itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lakegate_domain::{Clock, Secret};
use lakegate_host::Reloads;
use lakegate_host::files::{self, Contents, FileSet};
use lakegate_host::reload::Item;
use lakegate_token_store::settings::SealingSettings;
use lakegate_token_store::{SealedTokens, SealingKeys, TokenStore};

/// The keys that seal tokens.
const SEALING_KEYS: &str = "sealing-keys";

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

/// The text of the one file.
fn text_of(contents: &Contents) -> Result<Secret> {
    let [ring] = contents.files() else { bail!("not one file") };
    Ok(ring.secret_text()?)
}
