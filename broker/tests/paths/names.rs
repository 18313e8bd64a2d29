//! Names that would mean something in a boundary document, if anybody wrote one by pasting text.

use anyhow::Result;
use lakegate_domain::{Operation, Prefix, RuleId};
use lakegate_policy::RuleTarget;
use lakegate_testkit::bearer;

use crate::world::World;

/// In the boundary's CEL, in JSON, in a form, in an S3 policy, in a shell.
const NAMES: [&str; 24] = [
    "x') || true || ('",
    "')",
    "'",
    "\"",
    "\"}]}",
    "' || resource.name.startsWith('",
    "*",
    "**",
    "?",
    "$",
    "${aws:username}",
    "${*}",
    "&grant_type=none",
    "a+b c",
    "%26",
    "%27",
    "{0}",
    "[x]",
    "gr\u{f6}\u{df}e",
    "\u{6578}\u{64da}",
    "\u{202e}evil",
    "a,b:c",
    "`id`",
    "\u{1f512}",
];

fn prefix_of(name: &str) -> String {
    ["gs://lake-one/odd/", name, "/"].concat()
}

async fn world_of_odd_names() -> Result<World> {
    let mut policy = World::policy()?;
    let like = policy.rules.first().cloned().unwrap();
    for (index, name) in NAMES.iter().enumerate() {
        let mut rule = like.clone();
        rule.id = RuleId::parse(&format!("odd-{index}"))?;
        rule.on = RuleTarget::Prefix(Prefix::parse(&prefix_of(name))?);
        policy.rules.push(rule);
    }
    World::of(policy).await
}

#[tokio::test]
async fn in01_in03_an_odd_name_opens_exactly_its_own_prefix() -> Result<()> {
    let world = world_of_odd_names().await?;
    for name in NAMES {
        let prefix = prefix_of(name);
        let operations = [Operation::Read, Operation::List, Operation::Write, Operation::Delete];
        let token = world.alice.ask(&[&prefix, "x"].concat(), &operations[..1]).await?;
        assert_eq!(token.covered.first().unwrap().path, prefix);
        let storage = world.lake.bearer(bearer(&token)?)?;
        let key = ["odd/", name, "/"].concat();
        assert_eq!(storage.list("lake-one", &key).await?, 200, "{name}");
        assert_eq!(storage.read("lake-one", &[&key, "x"].concat()).await?, 404, "{name}");
        for outside in ["odd/", "odd/other/x", "data/sales/x", "hr/x", "x", &["odd/", name, "2/x"].concat()] {
            assert_eq!(storage.read("lake-one", outside).await?, 403, "{name}: {outside}");
        }
        assert_eq!(storage.list("lake-one", "odd/").await?, 403, "{name}");
        assert_eq!(storage.list("lake-one", "").await?, 403, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn in01_an_odd_object_opens_exactly_itself() -> Result<()> {
    let mut policy = World::policy()?;
    let mut rule = policy.rules.first().cloned().unwrap();
    let name = "one') || true || ('";
    rule.id = RuleId::parse("odd")?;
    rule.operations = vec![Operation::Read];
    rule.on = RuleTarget::Object(lakegate_domain::ObjectPath::parse(&["gs://lake-one/", name].concat())?);
    policy.rules.push(rule);
    let world = World::of(policy).await?;
    let token = world.alice.ask(&["gs://lake-one/", name].concat(), &[Operation::Read]).await?;
    let storage = world.lake.bearer(bearer(&token)?)?;
    assert_eq!(storage.read("lake-one", name).await?, 404);
    for outside in ["one", "one'", "hr/x", &[name, "/x"].concat()] {
        assert_eq!(storage.read("lake-one", outside).await?, 403, "{outside}");
    }
    Ok(())
}

#[tokio::test]
async fn lg02_an_odd_name_in_the_audit_log_is_one_line_of_json() -> Result<()> {
    let world = world_of_odd_names().await?;
    for name in NAMES {
        let path = prefix_of(name);
        let answer = world.alice.ask(&path, &[Operation::List]).await?;
        let record = world.lake.audit().record(&answer.audit_id)?;
        assert_eq!(record["parts"][0], format!("{path} [list]"), "{name}");
    }
    assert_eq!(world.lake.audit().records()?.len(), NAMES.len());
    Ok(())
}
