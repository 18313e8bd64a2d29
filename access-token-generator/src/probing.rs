//! The generator's probes: one watch per storage with a canary, fed with plain scopes of the snapshot in force.

use std::collections::HashMap;
use std::sync::Arc;

use lakegate_domain::StorageId;
use lakegate_host::PolicyFeed;
use lakegate_sts::Minter;
use lakegate_sts::probe::{Pick, ProbeWatch};

/// Begins to watch all minters that are probed.
pub(crate) fn watch(
    policy: &Arc<PolicyFeed>,
    minters: &HashMap<StorageId, Arc<dyn Minter>>,
) -> Vec<ProbeWatch> {
    let watch = |(id, minter): (&StorageId, &Arc<dyn Minter>)| {
        let (policy, id) = (Arc::downgrade(policy), id.clone());
        let pick: Pick = Arc::new(move || {
            let snapshot = policy.upgrade()?.current()?;
            Some((snapshot.plain_scope_in(&id)?.scope().clone(), snapshot.number()))
        });
        ProbeWatch::start(Arc::clone(minter), pick)
    };
    minters.iter().filter_map(watch).collect()
}
