//! Who acts, and for whom: the rules and groups that the broker follows, and the machine it asks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use lakegate_host::Reloads;
use lakegate_host::files::{Contents, FileSet};
use lakegate_host::reload::Item;

use crate::acting::{
    Acting, ActingSettings, ActingTerms, Believable, Blocklist, CachedGroups, FileGroups, Followed, Groups,
    GroupsSettings, MachineGroups, Mapping, MappingSettings, Rules,
};
use crate::identity::DnsResolver;

/// The rules of acting for others.
const RULES: &str = "acting-rules";

/// Groups from a file.
const GROUPS: &str = "groups";

/// How often these files are looked at though nothing was heard of them: what is taken away there ends within
/// seconds.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Everything about acting, following its files; `name_servers` say where the hosts of rules are.
pub(super) fn acting(
    mapping: &MappingSettings,
    acting: &ActingSettings,
    groups: &GroupsSettings,
    name_servers: &[SocketAddr],
    reloads: &Reloads,
) -> Result<Arc<Acting>> {
    let good_for = Duration::from_secs(acting.max_stale_seconds);
    let rules = match &acting.rules {
        None => Followed::default(),
        Some(file) => {
            let files = FileSet::new().public(file);
            followed(RULES, files, good_for, reloads, |text| Ok(Rules::parse(text)?))
                .context("acting.rules")?
        }
    };
    let terms = ActingTerms {
        mapping: Arc::new(Mapping::new(mapping).context("mapping")?),
        blocked: Blocklist::new(&acting.blocked),
        rules,
        groups: sources(groups, reloads)?,
        alarm_above: acting.alarm_above,
        address_alarm_above: acting.address_alarm_above,
    };
    let has_rules = acting.rules.is_some();
    let acting = Arc::new(Acting::new(terms));
    if has_rules {
        acting.keep_resolved(Arc::new(DnsResolver::new(name_servers).context("identity.name_servers")?));
    }
    Ok(acting)
}

fn sources(settings: &GroupsSettings, reloads: &Reloads) -> Result<Groups> {
    let mut groups = Groups::default();
    if let Some(settings) = &settings.file {
        let files = FileSet::new().public(&settings.path);
        let good_for = Duration::from_secs(settings.max_stale_seconds);
        let file = followed(GROUPS, files, good_for, reloads, |text| Ok(FileGroups::parse(text)?));
        groups.file = Some((settings.whose(), file.context("groups.file")?));
    }
    if let Some(settings) = &settings.system {
        if settings.canaries.is_empty() {
            tracing::warn!("groups.system has no canaries: nobody sees that the directory behind it is away");
        }
        let bounds = settings.bounds().context("groups.system.max_stale_seconds")?;
        let source = Believable::new(Arc::new(MachineGroups), settings.canaries.clone());
        let cached = CachedGroups::new(Arc::new(source), bounds);
        groups.system = Some((settings.whose(), cached));
    }
    Ok(groups)
}

/// What one file says, now and whenever it changes.
fn followed<T: Send + Sync + 'static>(
    name: &'static str,
    files: FileSet,
    good_for: Duration,
    reloads: &Reloads,
    parse: impl Fn(&str) -> Result<T> + Send + Sync + 'static,
) -> Result<Followed<T>> {
    let contents = files.read()?;
    let current = Arc::new(ArcSwap::from_pointee(parse(text_of(&contents)?)?));
    let following = Arc::clone(&current);
    let replace = move |contents: &Contents| -> Result<()> {
        following.store(Arc::new(parse(text_of(contents)?)?));
        Ok(())
    };
    let take = Arc::new(move |contents: &Contents| Ok(replace(contents)?));
    let item = Item { name, files, in_force: contents.digest(), take };
    let confirmed = reloads.follow_every(LOOK_EVERY, item);
    Ok(Followed::new(current, confirmed, good_for))
}

/// The text of the one file.
fn text_of(contents: &Contents) -> Result<&str> {
    let [file] = contents.files() else { bail!("not one file") };
    Ok(std::str::from_utf8(file.bytes())?)
}
