//! Groups from outside the policy document, in decisions and in rules about acting.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use lakegate_broker::acting::{SystemBounds, SystemGroups};
use lakegate_testkit::ActingOptions;
use tokio::time::Instant;

use crate::world::{DENIED, READ, RULES, SALES, UNKNOWN, World, issue};

/// A directory service that answers or fails.
#[derive(Debug, Default)]
struct Directory(Mutex<Option<HashMap<&'static str, Vec<&'static str>>>>);

impl SystemGroups for Directory {
    fn groups_of(&self, user: &str) -> io::Result<Option<Vec<String>>> {
        let users = self.0.lock().unwrap();
        let users = users.as_ref().ok_or(io::ErrorKind::TimedOut)?;
        Ok(users.get(user).map(|groups| groups.iter().map(ToString::to_string).collect()))
    }
}

/// Answers are good for so short that a test can wait for their end.
const BOUNDS: SystemBounds = SystemBounds {
    refresh: Duration::from_millis(200),
    max_stale: Duration::from_millis(500),
    patience: Duration::from_secs(5),
};

#[tokio::test]
async fn groups_of_a_file_count_in_decisions_and_in_rules_and_change_at_once() -> Result<()> {
    let acting = ActingOptions::rules(RULES)?.with_groups("[groups]\nanalysts = ['carol']\n[end]")?;
    let world = World::start_with(acting).await?;
    assert_eq!(world.ask("carol", "", SALES).await?, "ok carol for -");
    assert_eq!(world.ask("hive", "carol", SALES).await?, "ok hive for carol");
    assert_eq!(world.ask("bob", "", SALES).await?, "ok bob for -", "the document's members stay");
    let token = world.lake.caller("carol")?.issue(issue("")).await?.token;
    let job = world.lake.caller_with_dt(&token)?;
    job.ask(SALES, READ).await?;
    world.acting.replace_groups("[groups]\netl-ops = ['carol']\n[end]")?;
    let denied = job.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.lake.told(&denied)?, "PermissionDenied PERMISSION_DENIED deny policy_deny");
    assert_eq!(world.ask("carol", "", SALES).await?, "PermissionDenied PERMISSION_DENIED deny policy_deny");
    assert_eq!(world.ask("hive", "carol", SALES).await?, DENIED);
    assert_eq!(world.ask("carol", "etl", SALES).await?, "ok carol for etl");
    Ok(())
}

#[tokio::test]
async fn px07_a_directory_that_fails_is_an_outage_and_one_that_knows_nothing_a_refusal() -> Result<()> {
    let directory = Arc::new(Directory::default());
    let is = |users: Option<HashMap<_, _>>| *directory.0.lock().unwrap() = users;
    is(Some(HashMap::from([("carol", vec!["analysts"]), ("olga", vec![])])));
    let acting = ActingOptions::rules(RULES)?.with_system(directory.clone(), BOUNDS);
    let world = World::start_with(acting).await?;
    assert_eq!(world.ask("carol", "", SALES).await?, "ok carol for -");
    assert_eq!(world.ask("hive", "carol", SALES).await?, "ok hive for carol");
    assert_eq!(world.ask("hive", "dave", SALES).await?, DENIED, "unknown to the directory");
    assert_eq!(world.ask("dave", "etl", SALES).await?, DENIED);
    is(None);
    tokio::time::sleep(BOUNDS.max_stale).await;
    let begun = Instant::now();
    for (own, effective) in
        [("carol", ""), ("hive", "carol"), ("hive", "alice"), ("dave", "etl"), ("olga", "etl")]
    {
        // The last known answer serves for a moment, and then nobody knows.
        while world.ask(own, effective, SALES).await? != UNKNOWN {
            assert!(begun.elapsed() < Duration::from_secs(20), "{own} for {effective}");
        }
    }
    assert_eq!(world.ask("spark", "carol", SALES).await?, DENIED, "no group would help spark");
    Ok(())
}
