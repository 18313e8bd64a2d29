//! A lake of any size, made up, for the benchmarks in `benches/`.
//!
//! Every project has tables in databases; its group may read and list them all. In the first table of every project a
//! deny rule on one folder concerns one member, so that there are plain and narrowed decisions.

pub mod large;

use std::fmt::Write;

use anyhow::Result;
use lakegate_domain::{Caller, ObjectPath, Operation, OperationSet, Part, Principal, Proof, Target};
use lakegate_policy::PolicyDocument;

/// Tables in a project.
const TABLES: usize = 100;

/// A lake's size: so many datasets, and about as many rules.
#[derive(Debug, Clone, Copy)]
pub struct Lake {
    projects: usize,
}

impl Lake {
    /// A lake with at least so many datasets, a hundred to a project.
    pub fn of(datasets: usize) -> Self {
        Self { projects: datasets.div_ceil(TABLES).max(1) }
    }

    /// How many datasets it has.
    pub fn datasets(self) -> usize {
        self.projects * TABLES
    }

    /// Its policy.
    ///
    /// # Errors
    /// Never for a lake of this module.
    pub fn policy(self) -> Result<PolicyDocument> {
        let mut json =
            String::from(r#"{"version":1,"storages":[{"id":"lake","dialect":"gcs","buckets":["lake"]}]"#);
        let list = |json: &mut String, key: &str, items: Vec<String>| {
            write!(json, ",\"{key}\":[{}]", items.join(","))
        };
        list(&mut json, "projects", (0..self.projects).map(project).collect())?;
        list(&mut json, "groups", (0..self.projects).map(group).collect())?;
        let tables = || (0..self.projects).flat_map(|p| (0..TABLES).map(move |t| (p, t)));
        list(&mut json, "datasets", tables().map(|(p, t)| dataset(p, t)).collect())?;
        let allows = tables().map(|(p, t)| allow(p, t));
        list(&mut json, "rules", allows.chain((0..self.projects).map(deny)).collect())?;
        json.push('}');
        Ok(PolicyDocument::from_json(&json)?)
    }

    /// Somebody who may read every table of the middle project.
    ///
    /// # Errors
    /// Never for a lake of this module.
    pub fn member(self) -> Result<Caller> {
        caller(&format!("m{}", self.projects / 2))
    }

    /// Somebody who may read the middle project's tables but for one folder of the first.
    ///
    /// # Errors
    /// Never for a lake of this module.
    pub fn limited_member(self) -> Result<Caller> {
        caller(&format!("l{}", self.projects / 2))
    }

    /// Reading an object, twelve segments deep, in the middle project's first table.
    ///
    /// # Errors
    /// Never for a lake of this module.
    pub fn part(self) -> Result<Part> {
        let path = format!("gs://lake/{}a/b/c/d/e/f/g/h/part-0.parquet", table(self.projects / 2, 0));
        Ok(Part::new(Target::Object(ObjectPath::parse(&path)?), OperationSet::of(&[Operation::Read]))?)
    }
}

fn caller(name: &str) -> Result<Caller> {
    Ok(Caller::new(Principal::parse(name)?, Proof::ClientCertificate))
}

fn table(project: usize, table: usize) -> String {
    format!("p{project}/db{}/t{table}/", table % 7)
}

fn project(p: usize) -> String {
    format!(r#"{{"name":"p{p}","members":["group:g{p}"]}}"#)
}

fn group(p: usize) -> String {
    format!(r#"{{"name":"g{p}","members":["principal:m{p}","principal:l{p}"]}}"#)
}

fn dataset(p: usize, t: usize) -> String {
    format!(r#"{{"name":"p{p}.t{t}","prefix":"gs://lake/{}","project":"p{p}"}}"#, table(p, t))
}

fn allow(p: usize, t: usize) -> String {
    let operations = r#"["read","list"]"#;
    format!(
        r#"{{"id":"a{p}.{t}","effect":"allow","on":{{"dataset":"p{p}.t{t}"}},"to":["group:g{p}"],"operations":{operations}}}"#
    )
}

fn deny(p: usize) -> String {
    let on = format!("gs://lake/{}z/", table(p, 0));
    let operations = r#"["read","list"]"#;
    format!(
        r#"{{"id":"d{p}","effect":"deny","on":{{"prefix":"{on}"}},"to":["principal:l{p}"],"operations":{operations}}}"#
    )
}

#[cfg(test)]
mod tests {
    use lakegate_domain::Timestamp;
    use lakegate_policy::Snapshot;

    use super::*;

    #[test]
    fn a_member_gets_the_plain_scope_and_a_limited_one_a_narrowed_scope() {
        let lake = Lake::of(250);
        assert_eq!(lake.datasets(), 300);
        let snapshot = Snapshot::compile(&lake.policy().unwrap()).unwrap();
        let now = Timestamp::from_seconds(1_790_000_000);
        let part = [lake.part().unwrap()];
        assert!(!snapshot.decide(&lake.member().unwrap(), &part, now).unwrap().narrowed());
        assert!(snapshot.decide(&lake.limited_member().unwrap(), &part, now).unwrap().narrowed());
        assert!(snapshot.decide(&caller("m0").unwrap(), &part, now).is_err());
    }
}
