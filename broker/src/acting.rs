//! Who acts, and for whom: from an authenticated caller and `on_behalf_of` to the caller whose rights decide.
//!
//! One function makes that caller, `Acting::caller`, and every method uses it. The rights of the effective principal
//! alone decide; a rule must let the real one act for it, from where it calls; nobody acts for somebody through
//! somebody else. Whoever comes by a delegation token that a proxy got is looked at anew with every request: when the
//! right is gone, so is the token's use. The blocklist is asked for every name on the way, after mapping.

mod blocklist;
pub(crate) mod followed;
pub(crate) mod groups;
pub(crate) mod hosts;
mod mapping;
mod pattern;
mod resolving;
pub(crate) mod rules;
mod settings;
mod spread;
mod verdict;

use std::net::IpAddr;
use std::sync::Arc;

use lakegate_domain::{Caller, GroupName, Principal, Proof};
use lakegate_policy::Snapshot;

pub use self::blocklist::Blocklist;
pub use self::followed::Followed;
pub(crate) use self::groups::Lookups;
pub use self::groups::{
    Believable, CachedGroups, Canary, FileGroups, Groups, GroupsError, MachineGroups, SystemBounds,
    SystemGroups, Whose,
};
use self::hosts::HostNames;
pub use self::mapping::{
    Mapping, MappingError, MappingSettings, Mechanism, NotMapped, PatternFault, Unmatched,
};
pub use self::pattern::PrincipalPattern;
use self::rules::Origin;
pub use self::rules::{RuleFault, Rules, RulesError};
pub use self::settings::{
    ActingSettings, FileGroupsSettings, GroupsSettings, SystemGroupsSettings, TooShort,
};
use self::spread::Spread;
pub(crate) use self::spread::{Counted, Last};
pub(crate) use self::verdict::Verdict;
use crate::Failure;
use crate::rates::origin;

/// What a broker is told about acting.
#[derive(Debug)]
pub struct ActingTerms {
    /// From names to principals.
    pub mapping: Arc<Mapping>,
    /// Who gets nothing, whatever any rule says; the rules' own blocklist comes on top.
    pub blocked: Blocklist,
    /// Who may act for whom.
    pub rules: Followed<Rules>,
    /// Groups from outside the policy document.
    pub groups: Groups,
    /// A proxy that acts for more principals than this in an hour raises an alarm.
    pub alarm_above: usize,
    /// So does an address whose callers are, or name, more principals than this.
    pub address_alarm_above: usize,
}

impl Default for ActingTerms {
    /// Nobody acts for anybody, nobody is blocked, names stay what they are.
    fn default() -> Self {
        Self {
            mapping: Arc::default(),
            blocked: Blocklist::default(),
            rules: Followed::default(),
            groups: Groups::default(),
            alarm_above: 1_000,
            address_alarm_above: 1_000,
        }
    }
}

/// Who acts, and for whom.
#[derive(Debug)]
pub struct Acting {
    mapping: Arc<Mapping>,
    blocked: Blocklist,
    rules: Followed<Rules>,
    groups: Groups,
    names: HostNames,
    by_proxy: Spread<Principal>,
    by_address: Spread<IpAddr>,
}

/// What a request says about who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Who proved to be asking.
    pub(crate) own: &'a Caller,
    /// From where.
    pub(crate) address: IpAddr,
    /// The policy that knows groups.
    pub(crate) snapshot: &'a Snapshot,
}

impl Acting {
    /// Begins with what a broker is told.
    pub fn new(terms: ActingTerms) -> Self {
        let ActingTerms { mapping, blocked, rules, groups, alarm_above, address_alarm_above } = terms;
        let (by_proxy, by_address) = (Spread::new(alarm_above), Spread::new(address_alarm_above));
        Self { mapping, blocked, rules, groups, names: HostNames::default(), by_proxy, by_address }
    }

    /// How names become principals.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The principal that a name in a request stands for.
    pub(crate) fn named(&self, name: &str) -> Result<Principal, NotMapped> {
        self.mapping.apply(name)
    }

    /// Refuses a caller one of whose names is blocked.
    ///
    /// # Errors
    /// [`Failure::Blocked`].
    pub(crate) fn admit(&self, caller: &Caller) -> Result<(), Failure> {
        let is_blocked =
            self.is_blocked(caller.principal()) || caller.real().is_some_and(|it| self.is_blocked(it));
        if is_blocked { Err(Failure::Blocked) } else { Ok(()) }
    }

    /// Whether a principal gets nothing, whatever policy says.
    pub(crate) fn is_blocked(&self, principal: &Principal) -> bool {
        self.blocked.blocks(principal) || self.rules.current().blocks(principal)
    }

    /// The caller whose rights decide: who asks, or `effective` if a rule lets that one act for it.
    ///
    /// # Errors
    /// Why nobody's rights do.
    pub(crate) async fn caller(
        &self,
        asked: Asked<'_>,
        effective: Option<&Principal>,
    ) -> Result<Caller, Failure> {
        let caller = match effective {
            None => asked.own.clone(),
            // A token cannot do what needs a certificate, and who acts for somebody acts for nobody else.
            Some(_) if asked.own.proof() != Proof::ClientCertificate || asked.own.real().is_some() => {
                return Err(Failure::NotPrimary);
            }
            Some(effective) if effective == asked.own.principal() => asked.own.clone(),
            Some(effective) => asked.own.acting_for(effective.clone()),
        };
        self.admit(&caller)?;
        if self.rules.current().is_only_for_others(caller.principal()) {
            return Err(Failure::OnlyForOthers);
        }
        let Some(real) = caller.real() else {
            let groups = self.groups.of(&caller).await;
            return Ok(caller.with_groups(groups.map_err(|_| Failure::GroupsUnavailable)?));
        };
        let from = match effective {
            Some(_) => Origin::Address(asked.address, &self.names),
            None => Origin::Token,
        };
        let real = Caller::new(real.clone(), caller.proof());
        let caller = self.permitted(&real, caller, from, asked.snapshot).await?;
        self.count(real.principal(), caller.principal());
        Ok(caller)
    }

    /// Counts for whom a proxy acts. Members of a headless account's groups, who may be anybody, are none: accounts are
    /// few.
    fn count(&self, real: &Principal, effective: &Principal) {
        if !self.rules.current().is_proxy(real) {
            return;
        }
        if let Some(principals) = self.by_proxy.count(real, effective) {
            tracing::warn!(proxy = %real, principals, "a proxy acts for unusually many principals");
        }
    }

    /// Counts who came from an address, or was named from there, whatever becomes of the request. `last` is what the same
    /// connection had counted last.
    pub(crate) fn came_from(&self, address: IpAddr, principal: &Principal, last: &Last) {
        let address = origin(address);
        if let Some(principals) = self.by_address.count_unless(last, &address, principal) {
            tracing::warn!(%address, principals, "unusually many principals come from one address");
        }
    }

    /// Somebody of whom a request asks, with the groups that are known of it.
    ///
    /// # Errors
    /// [`Failure::GroupsUnavailable`].
    pub(crate) async fn with_groups(&self, caller: Caller) -> Result<Caller, Failure> {
        let groups = self.groups.of(&caller).await;
        Ok(caller.with_groups(groups.map_err(|_| Failure::GroupsUnavailable)?))
    }

    /// Whether the right by which a delegation token was got is still there; the token is its owner's own otherwise.
    ///
    /// # Errors
    /// Why the token is good for nothing now.
    pub async fn still_stands(
        &self,
        owner: &Principal,
        real: Option<&Principal>,
        snapshot: &Snapshot,
    ) -> Result<(), Failure> {
        let own = Caller::new(owner.clone(), Proof::DelegationToken);
        let Some(real) = real else { return self.admit(&own) };
        let real = Caller::new(real.clone(), Proof::DelegationToken);
        let caller = real.acting_for(owner.clone());
        self.admit(&caller)?;
        self.permitted(&real, caller, Origin::Token, snapshot).await.map(drop)
    }

    /// The caller with its groups, if a rule lets `real` act for it.
    async fn permitted(
        &self,
        real: &Caller,
        caller: Caller,
        from: Origin<'_>,
        snapshot: &Snapshot,
    ) -> Result<Caller, Failure> {
        if !self.rules.is_fresh() {
            return Err(Failure::ActingUnavailable);
        }
        let rules = self.rules.current();
        let is_headless = rules.is_headless(caller.principal());
        if !is_headless && !rules.might_be_proxy(real.principal(), caller.principal()) {
            return Err(Failure::OnBehalfOf);
        }
        let (caller, of_effective) = self.known(caller).await;
        let is_member = |group: &GroupName| membership(snapshot, &caller, of_effective, group);
        let mut verdict = rules.proxy(real.principal(), (caller.principal(), &is_member), from);
        if is_headless && verdict != Verdict::Yes {
            let (real, of_real) = self.known(real.clone()).await;
            let is_member = |group: &GroupName| membership(snapshot, &real, of_real, group);
            verdict = verdict.or(rules.headless(caller.principal(), &is_member, from));
        }
        match (verdict, of_effective) {
            (Verdict::Yes, Knowledge::All) => Ok(caller),
            (Verdict::No, _) => Err(Failure::OnBehalfOf),
            (Verdict::Yes, Knowledge::PolicyAlone) | (Verdict::Unknown, _) => Err(Failure::GroupsUnavailable),
        }
    }

    /// A caller with the groups that are known of it, and whether those are all.
    async fn known(&self, caller: Caller) -> (Caller, Knowledge) {
        match self.groups.of(&caller).await {
            Ok(groups) => (caller.with_groups(groups), Knowledge::All),
            Err(_) => (caller, Knowledge::PolicyAlone),
        }
    }

    /// For how many different principals proxies acted lately.
    pub(crate) fn by_proxy(&self) -> Counted {
        self.by_proxy.numbers()
    }

    /// How many different principals came from addresses lately.
    pub(crate) fn by_address(&self) -> Counted {
        self.by_address.numbers()
    }

    /// Whether the rules are known to be those of their file, or were lately.
    pub(crate) fn rules_are_fresh(&self) -> bool {
        self.rules.is_fresh()
    }

    /// How look-ups of groups ended, where the operating system is asked.
    pub(crate) fn lookups(&self) -> Option<&Lookups> {
        self.groups.lookups()
    }
}

/// What is known of somebody's groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    All,
    /// What the policy document says, and no more: a source of groups is out.
    PolicyAlone,
}

fn membership(snapshot: &Snapshot, caller: &Caller, known: Knowledge, group: &GroupName) -> Verdict {
    match (snapshot.is_member(caller, group), known) {
        (true, _) => Verdict::Yes,
        (false, Knowledge::All) => Verdict::No,
        (false, Knowledge::PolicyAlone) => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests;
