//! The largest policy that a lake is meant to have, made up: every table readable by its project's group, one robot
//! with a grant on most tables, and grants and denies on partitions.

use std::fmt::Write;

use anyhow::Result;
use lakegate_domain::{Caller, Operation, OperationSet, Part, Principal, Proof, Target};

/// Tables in a project.
const TABLES: usize = 100;

/// How large a policy is.
#[derive(Debug, Clone, Copy)]
pub struct Large {
    /// Datasets.
    pub datasets: usize,
    /// Grants of one principal, each on another dataset; at most as many as datasets.
    pub grants: usize,
    /// All rules: one for each dataset, the grants, and the rest on partitions.
    pub rules: usize,
}

impl Large {
    /// 150,000 datasets, a million rules, 100,000 of them for one principal.
    pub const LARGEST: Self = Self { datasets: 150_000, grants: 100_000, rules: 1_000_000 };

    /// The document as JSON.
    ///
    /// # Errors
    /// Never: it is written into memory.
    pub fn json(self) -> Result<String> {
        let mut json = String::with_capacity(self.rules * 180);
        json.push_str(r#"{"version":1,"storages":[{"id":"lake","dialect":"gcs","buckets":["lake"]}]"#);
        let projects = self.datasets.div_ceil(TABLES);
        list(&mut json, "projects", projects, |json, p| {
            write!(json, r#"{{"name":"p{p}","members":["group:g{p}"]}}"#)
        })?;
        list(&mut json, "groups", projects, |json, p| {
            write!(json, r#"{{"name":"g{p}","members":["principal:m{p}","principal:n{p}"]}}"#)
        })?;
        list(&mut json, "datasets", self.datasets, |json, d| {
            let p = d / TABLES;
            write!(json, r#"{{"name":"d{d}","prefix":"gs://lake/p{p}/db{}/t{d}/","project":"p{p}"}}"#, d % 7)
        })?;
        list(&mut json, "rules", self.rules, |json, r| self.rule(json, r))?;
        json.push('}');
        Ok(json)
    }

    fn rule(self, json: &mut String, r: usize) -> std::fmt::Result {
        if r < self.datasets {
            let p = r / TABLES;
            return write!(
                json,
                r#"{{"id":"r{r}","effect":"allow","on":{{"dataset":"d{r}"}},"to":["group:g{p}"],"operations":["read","list"]}}"#
            );
        }
        if r < self.datasets + self.grants {
            let d = r - self.datasets;
            return write!(
                json,
                r#"{{"id":"r{r}","effect":"allow","on":{{"dataset":"d{d}"}},"to":["principal:robot"],"operations":["read"]}}"#
            );
        }
        let (d, p) = (r % self.datasets, r % self.datasets / TABLES);
        let effect = if r.is_multiple_of(10) { "deny" } else { "allow" };
        write!(
            json,
            r#"{{"id":"r{r}","effect":"{effect}","on":{{"prefix":"gs://lake/p{p}/db{}/t{d}/day={}/"}},"to":["principal:u{}"],"operations":["read"]}}"#,
            d % 7,
            r / self.datasets,
            r % 50_000
        )
    }

    /// The principal with all the grants.
    ///
    /// # Errors
    /// Never.
    pub fn robot(self) -> Result<Caller> {
        Ok(Caller::new(Principal::parse("robot")?, Proof::ClientCertificate))
    }

    /// Reading a whole dataset, by its number.
    ///
    /// # Errors
    /// Never.
    pub fn part(self, d: usize) -> Result<Part> {
        let path = format!("gs://lake/p{}/db{}/t{d}/", d / TABLES, d % 7);
        Ok(Part::new(Target::parse(&path)?, OperationSet::of(&[Operation::Read]))?)
    }
}

fn list(
    json: &mut String,
    key: &str,
    count: usize,
    mut item: impl FnMut(&mut String, usize) -> std::fmt::Result,
) -> std::fmt::Result {
    write!(json, ",\"{key}\":[")?;
    for index in 0..count {
        if index > 0 {
            json.push(',');
        }
        item(json, index)?;
    }
    json.push(']');
    Ok(())
}
