//! Who acts, and for whom, in a deployment: rules as operators write them, changed while it runs.

use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use arc_swap::ArcSwap;
use lakegate_broker::acting::{
    Acting, ActingTerms, Blocklist, CachedGroups, FileGroups, Followed, Groups, Mapping, PrincipalPattern,
    Rules, SystemBounds, SystemGroups, Whose,
};
use lakegate_broker::identity::HostResolver;

/// What all brokers of a deployment know of acting.
#[derive(Clone, Default)]
pub struct ActingOptions {
    rules: Arc<ArcSwap<Rules>>,
    groups: Option<Arc<ArcSwap<FileGroups>>>,
    system: Option<(Arc<dyn SystemGroups>, SystemBounds)>,
    /// Principals, or patterns of them, that get nothing.
    pub blocked: Vec<&'static str>,
    /// The table `[mapping]`; empty for none.
    pub mapping: &'static str,
    /// Finds the addresses of hosts in rules.
    pub resolver: Option<Arc<dyn HostResolver>>,
}

impl fmt::Debug for ActingOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActingOptions")
    }
}

impl ActingOptions {
    /// These rules.
    ///
    /// # Errors
    /// When they are not good.
    pub fn rules(text: &str) -> Result<Self> {
        let options = Self::default();
        options.replace_rules(text)?;
        Ok(options)
    }

    /// Puts other rules into force, in all brokers.
    ///
    /// # Errors
    /// When they are not good.
    pub fn replace_rules(&self, text: &str) -> Result<()> {
        self.rules.store(Arc::new(Rules::parse(text)?));
        Ok(())
    }

    /// With groups from a file.
    ///
    /// # Errors
    /// When it is not good.
    pub fn with_groups(mut self, text: &str) -> Result<Self> {
        self.groups = Some(Arc::new(ArcSwap::from_pointee(FileGroups::parse(text)?)));
        Ok(self)
    }

    /// Puts another file of groups into force, in all brokers; nothing without one before.
    ///
    /// # Errors
    /// When it is not good.
    pub fn replace_groups(&self, text: &str) -> Result<()> {
        let groups = Arc::new(FileGroups::parse(text)?);
        if let Some(current) = &self.groups {
            current.store(groups);
        }
        Ok(())
    }

    /// With groups from an operating system of the test's own, for principals without a kind.
    #[must_use]
    pub fn with_system(mut self, system: Arc<dyn SystemGroups>, bounds: SystemBounds) -> Self {
        self.system = Some((system, bounds));
        self
    }

    /// What one broker is told.
    pub(crate) fn start(&self) -> Result<Arc<Acting>> {
        let pattern = |text: &&str| PrincipalPattern::parse(text).map_err(anyhow::Error::msg);
        let blocked = self.blocked.iter().map(pattern).collect::<Result<Vec<_>>>()?;
        let file = self.groups.clone().map(|current| (Whose::Everybody, Followed::unaged(current)));
        let system = self.system.clone();
        let system = system.map(|(source, bounds)| (Whose::Bare, CachedGroups::new(source, bounds)));
        let acting = Arc::new(Acting::new(ActingTerms {
            mapping: Arc::new(Mapping::new(&toml::from_str(self.mapping)?)?),
            blocked: Blocklist::new(&blocked),
            rules: Followed::unaged(Arc::clone(&self.rules)),
            groups: Groups { file, system },
            alarm_above: 100,
            address_alarm_above: 100,
        }));
        if let Some(resolver) = &self.resolver {
            acting.keep_resolved(Arc::clone(resolver));
        }
        Ok(acting)
    }
}
