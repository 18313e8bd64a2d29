//! Who may act for whom, and who for nobody: what stands in the file of acting rules, checked.
//!
//! A proxy rule has Hadoop's meaning: `users` and `groups` are one list of those for whom its principal may act, and
//! `hosts` is from where; both must pass, and a list that is missing lets nobody and nothing through. A headless rule is
//! the other way round: members of its groups may act as its principal.
//!
//! The two lists that take rights away must be there, be they empty. TOML has them before all rules, so a file that is
//! empty or cut off before their end is refused, and one that is cut off later only lets fewer people act.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use lakegate_domain::{GroupName, Principal};
use serde::Deserialize;
use thiserror::Error;

use super::hosts::{HostList, HostNames};
use super::{Blocklist, PrincipalPattern, Verdict};
use crate::identity::HostName;

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    blocked: Option<Vec<PrincipalPattern>>,
    only_for_others: Option<Vec<PrincipalPattern>>,
    #[serde(default)]
    proxies: Vec<ProxyEntry>,
    #[serde(default)]
    headless: Vec<HeadlessEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProxyEntry {
    principal: Principal,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    allow_any_user: bool,
    #[serde(default)]
    allow_any_host: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadlessEntry {
    principal: Principal,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    allow_any_host: bool,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RuleFault {
    /// A user that no principal could be.
    #[error("users holds what is no principal")]
    User,
    /// A group that no group could be.
    #[error("groups holds what is no group")]
    Group,
    /// Neither address, network nor host name.
    #[error("hosts holds what is no address, network or complete host name such as knox.example.com")]
    Host,
    /// Everybody, without the flag for it.
    #[error(
        "* among users or groups is everybody, superusers of other systems too: it wants allow_any_user = true"
    )]
    AnyUser,
    /// Every host, without the flag for it.
    #[error("* or a network of all addresses among hosts is everywhere: it wants allow_any_host = true")]
    AnyHost,
    /// Anybody could be a headless account.
    #[error("* among the groups of a headless account would be anybody")]
    AnyMember,
}

/// Why a file of acting rules is refused.
#[derive(Debug, Error)]
pub enum RulesError {
    /// It is no TOML of this form.
    #[error("rules do not parse")]
    Syntax(#[source] Box<toml::de::Error>),
    /// A list that takes rights away is not there: the file may be cut off.
    #[error("{0} is missing: write {0} = [] where nobody stands in it")]
    Missing(&'static str),
    /// One rule is not good.
    #[error("rule {number} of {list}")]
    Rule {
        /// The list it stands in.
        list: &'static str,
        /// Which one, from 1.
        number: usize,
        /// What is wrong.
        #[source]
        fault: RuleFault,
    },
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Rules {
    blocked: Blocklist,
    only_for_others: Vec<PrincipalPattern>,
    proxies: HashMap<Principal, Vec<ProxyRule>>,
    headless: HashMap<Principal, Vec<HeadlessRule>>,
}

#[derive(Debug)]
struct ProxyRule {
    anybody: bool,
    users: HashSet<Principal>,
    groups: Vec<GroupName>,
    hosts: HostList,
}

#[derive(Debug)]
struct HeadlessRule {
    groups: Vec<GroupName>,
    hosts: HostList,
}

/// From where somebody acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    /// From an address, with what is known of host names.
    Address(IpAddr, &'a HostNames),
    /// From wherever a delegation token was carried to: only the right itself counts.
    Token,
}

impl Origin<'_> {
    fn passes(self, hosts: &HostList) -> Verdict {
        match self {
            Self::Address(address, names) => hosts.admits(address, names),
            // A rule without hosts lets nobody through, and so gives no right that could stand.
            Self::Token if hosts.is_nowhere() => Verdict::No,
            Self::Token => Verdict::Yes,
        }
    }
}

/// Answers whether somebody is in a group.
pub(super) type IsMember<'a> = dyn Fn(&GroupName) -> Verdict + 'a;

impl Rules {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let document: Document = toml::from_str(text).map_err(|error| RulesError::Syntax(Box::new(error)))?;
        let blocked = document.blocked.ok_or(RulesError::Missing("blocked"))?;
        let only_for_others = document.only_for_others.ok_or(RulesError::Missing("only_for_others"))?;
        let mut rules = Self { blocked: Blocklist::new(&blocked), only_for_others, ..Self::default() };
        for (number, entry) in (1..).zip(document.proxies) {
            let fault = |fault| RulesError::Rule { list: "proxies", number, fault };
            let rule = ProxyRule::new(&entry).map_err(fault)?;
            rules.proxies.entry(entry.principal).or_default().push(rule);
        }
        for (number, entry) in (1..).zip(document.headless) {
            let fault = |fault| RulesError::Rule { list: "headless", number, fault };
            let rule = HeadlessRule::new(&entry).map_err(fault)?;
            rules.headless.entry(entry.principal).or_default().push(rule);
        }
        Ok(rules)
    }

    /// What an operator may not have meant, for whoever checks a configuration; `blocked` is the blocklist beside that
    /// of the rules.
    pub fn remarks(&self, blocked: &Blocklist) -> Vec<String> {
        let mut remarks = Vec::new();
        let is_blocked = |principal: &Principal| self.blocked.blocks(principal) || blocked.blocks(principal);
        let mut whose = |kind: &str, principal: &Principal, hosts: &HostList| {
            if is_blocked(principal) {
                remarks.push(format!("{kind} {principal} is blocked: its rule means nothing"));
            }
            if hosts.is_nowhere() {
                remarks
                    .push(format!("{kind} {principal} has a rule without hosts, which lets nobody through"));
            }
        };
        for (principal, rule) in
            self.proxies.iter().flat_map(|(it, rules)| rules.iter().map(move |r| (it, r)))
        {
            whose("proxy", principal, &rule.hosts);
        }
        for (principal, rule) in
            self.headless.iter().flat_map(|(it, rules)| rules.iter().map(move |r| (it, r)))
        {
            whose("headless account", principal, &rule.hosts);
        }
        remarks.sort_unstable();
        remarks
    }

    /// Whether a principal gets nothing.
    pub(super) fn blocks(&self, principal: &Principal) -> bool {
        self.blocked.blocks(principal)
    }

    /// Whether a principal never uses rights of its own.
    pub(super) fn is_only_for_others(&self, principal: &Principal) -> bool {
        self.only_for_others.iter().any(|pattern| pattern.means(principal))
    }

    /// Whether `real` is a proxy that might act for `effective`, its groups aside: who is not, is refused without a
    /// look at anybody's groups.
    pub(super) fn might_be_proxy(&self, real: &Principal, effective: &Principal) -> bool {
        self.proxies.get(real).is_some_and(|rules| {
            rules.iter().any(|rule| rule.covers(effective, &|_| Verdict::Yes) == Verdict::Yes)
        })
    }

    /// Whether somebody may act for others by rules of its own.
    pub(super) fn is_proxy(&self, real: &Principal) -> bool {
        self.proxies.contains_key(real)
    }

    /// Whether anybody may act as `effective` by being in a group.
    pub(super) fn is_headless(&self, effective: &Principal) -> bool {
        self.headless.contains_key(effective)
    }

    /// Whether a proxy may act for somebody who is in groups.
    pub(super) fn proxy(
        &self,
        real: &Principal,
        (effective, is_member): (&Principal, &IsMember<'_>),
        from: Origin<'_>,
    ) -> Verdict {
        let one = |rule: &ProxyRule| rule.covers(effective, is_member).and(|| from.passes(&rule.hosts));
        self.proxies.get(real).into_iter().flatten().map(one).fold(Verdict::No, Verdict::or)
    }

    /// Whether somebody who is in groups may act as a headless account.
    pub(super) fn headless(
        &self,
        effective: &Principal,
        is_member: &IsMember<'_>,
        from: Origin<'_>,
    ) -> Verdict {
        let one = |rule: &HeadlessRule| {
            let member = rule.groups.iter().map(is_member).fold(Verdict::No, Verdict::or);
            member.and(|| from.passes(&rule.hosts))
        };
        self.headless.get(effective).into_iter().flatten().map(one).fold(Verdict::No, Verdict::or)
    }

    /// All host names in the rules.
    pub(super) fn host_names(&self) -> BTreeSet<HostName> {
        let proxies = self.proxies.values().flatten().map(|rule| &rule.hosts);
        let headless = self.headless.values().flatten().map(|rule| &rule.hosts);
        proxies.chain(headless).flat_map(HostList::names).cloned().collect()
    }
}

impl ProxyRule {
    fn new(entry: &ProxyEntry) -> Result<Self, RuleFault> {
        let anybody = entry.users.iter().chain(&entry.groups).any(|name| name == "*");
        if anybody && !entry.allow_any_user {
            return Err(RuleFault::AnyUser);
        }
        let user = |name: &String| Principal::parse(name).map_err(|_| RuleFault::User);
        Ok(Self {
            anybody,
            users: named(&entry.users).map(user).collect::<Result<_, _>>()?,
            groups: groups(&entry.groups)?,
            hosts: HostList::parse(&entry.hosts, entry.allow_any_host)?,
        })
    }

    /// Whether the rule is about somebody who is in groups.
    fn covers(&self, effective: &Principal, is_member: &IsMember<'_>) -> Verdict {
        if self.anybody || self.users.contains(effective) {
            return Verdict::Yes;
        }
        self.groups.iter().map(is_member).fold(Verdict::No, Verdict::or)
    }
}

impl HeadlessRule {
    fn new(entry: &HeadlessEntry) -> Result<Self, RuleFault> {
        if entry.groups.iter().any(|name| name == "*") {
            return Err(RuleFault::AnyMember);
        }
        let hosts = HostList::parse(&entry.hosts, entry.allow_any_host)?;
        Ok(Self { groups: groups(&entry.groups)?, hosts })
    }
}

/// Those entries that name somebody: an empty one matches nothing, and `*` is read by itself.
fn named(entries: &[String]) -> impl Iterator<Item = &String> {
    entries.iter().filter(|entry| !entry.is_empty() && *entry != "*")
}

fn groups(entries: &[String]) -> Result<Vec<GroupName>, RuleFault> {
    named(entries).map(|name| GroupName::parse(name).map_err(|_| RuleFault::Group)).collect()
}

#[cfg(test)]
mod tests;
