//! Every kind of caller.

use std::net::Ipv4Addr;

use anyhow::Result;
use lakegate_testkit::Caller;
use rcgen::DnType;

use crate::world::{NODE, World};

/// Somebody who calls.
pub(crate) struct Asker {
    /// Who that is, in a few words: the heading in the table.
    pub(crate) who: &'static str,
    pub(crate) caller: Caller,
    pub(crate) on_behalf_of: &'static str,
}

impl Asker {
    fn new(who: &'static str, caller: Caller) -> Self {
        Self { who, caller, on_behalf_of: "" }
    }

    fn acting(who: &'static str, caller: Caller, on_behalf_of: &'static str) -> Self {
        Self { who, caller, on_behalf_of }
    }
}

impl World {
    pub(crate) async fn askers(&self) -> Result<Vec<Asker>> {
        let mut askers = self.by_certificate()?;
        askers.extend(self.acting()?);
        askers.extend(self.by_token().await?);
        Ok(askers)
    }

    fn by_certificate(&self) -> Result<Vec<Asker>> {
        let application = [
            (DnType::CommonName, "demo__alice"),
            (DnType::OrganizationName, "application_1_2"),
            (DnType::OrganizationalUnitName, "3"),
        ];
        let service = [(DnType::CommonName, NODE), (DnType::LocalityName, "hive")];
        let elsewhere = Ipv4Addr::new(127, 0, 0, 9);
        let both = self.subject(&[(DnType::CommonName, "demo__alice"), (DnType::CommonName, "demo__bob")])?;
        Ok(vec![
            Asker::new("nobody", self.lake.anonymous()?),
            Asker::new("a user", self.user("alice")?),
            Asker::new("a user without any right", self.user("bob")?),
            Asker::new("an application of a user", self.lake.caller_as(self.subject(&application)?)?),
            Asker::new("a service at its host", self.lake.caller_as(self.subject(&service)?)?),
            Asker::new("a service elsewhere", self.lake.caller_as_from(self.subject(&service)?, elsewhere)?),
            Asker::new("a workload", self.workload("a.example/loader")?),
            Asker::new("the renewer of the token", self.workload("a.example/renewer")?),
            Asker::new("an administrator", self.workload("a.example/admin")?),
            Asker::new("a blocked user", self.user("root")?),
            Asker::new("a carrier", self.workload("mesh.example/proxy")?),
            Asker::new("a certificate of no profile", self.workload("other.example/x")?),
            Asker::new("a certificate with two names", self.lake.caller_as(both)?),
        ])
    }

    fn acting(&self) -> Result<Vec<Asker>> {
        let hive = || {
            self.lake.caller_as(self.subject(&[(DnType::CommonName, NODE), (DnType::LocalityName, "hive")])?)
        };
        Ok(vec![
            Asker::acting("a proxy for one of its users", hive()?, "hops:demo/alice"),
            Asker::acting("a proxy for another user", hive()?, "hops:demo/bob"),
            Asker::acting("a proxy for a blocked user", hive()?, "hops:demo/root"),
            Asker::acting("a user for another", self.user("alice")?, "hops:demo/bob"),
            Asker::acting("a user for itself", self.user("alice")?, "hops:demo/alice"),
            Asker::new("a gateway for nobody", self.workload("a.example/gateway")?),
            Asker::acting(
                "a gateway for one of its users",
                self.workload("a.example/gateway")?,
                "hops:demo/alice",
            ),
        ])
    }

    async fn by_token(&self) -> Result<Vec<Asker>> {
        let token = self.alices_token().await?;
        let cancelled = self.alices_token().await?;
        self.user("alice")?.cancel(&cancelled).await?;
        let of_proxy = self.proxys_token().await?;
        let header = |token: &str| ["Lakegate-DT ", token].concat();
        let carrier = self.spiffe("mesh.example/proxy")?;
        let alice = self.subject(&[(DnType::CommonName, "demo__alice")])?;
        let mut forged = token.clone();
        let last = if forged.ends_with('A') { "B" } else { "A" };
        forged.replace_range(20..21, last);
        Ok(vec![
            Asker::new("a token", self.lake.caller_with_dt(&token)?),
            Asker::acting("a token for another user", self.lake.caller_with_dt(&token)?, "hops:demo/bob"),
            Asker::new("a token that a proxy got", self.lake.caller_with_dt(&of_proxy)?),
            Asker::new(
                "a carrier with a token",
                self.lake.caller_as_with_authorization(carrier, &header(&token))?,
            ),
            Asker::new(
                "two credentials: a user's certificate and its token",
                self.lake.caller_as_with_authorization(alice, &header(&token))?,
            ),
            Asker::new("a cancelled token", self.lake.caller_with_dt(&cancelled)?),
            Asker::new("a forged token", self.lake.caller_with_dt(&forged)?),
        ])
    }
}
