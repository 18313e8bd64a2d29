//! Names that are mapped on their way in.

use anyhow::Result;
use lakegate_delegation::describe;
use lakegate_domain::Principal;
use lakegate_proto::v1;
use lakegate_testkit::ActingOptions;

use crate::world::{BLOCKED, RULES, SALES, World, issue};

const MAPPING: &str = r"
default_realm = 'EXAMPLE.COM'
auth_to_local = '''
RULE:[2:$1@$0](hdfs@EXAMPLE\.COM)s/.*/HDFS/L
RULE:[2:$1@$0](rm@EXAMPLE\.COM)s/.*/yarn/
DEFAULT
'''
exact = { superman = 'hdfs' }
";

async fn world() -> Result<World> {
    let mut acting = ActingOptions::rules(RULES)?;
    acting.mapping = MAPPING;
    World::start_with(acting).await
}

#[tokio::test]
async fn whom_a_request_names_is_mapped() -> Result<()> {
    let world = world().await?;
    assert_eq!(world.ask("hive", "alice@EXAMPLE.COM", SALES).await?, "ok hive for alice");
    assert_eq!(world.ask("hive", "alice", SALES).await?, "ok hive for alice");
    let nobody = "InvalidArgument INVALID_FIELD deny request_form";
    assert_eq!(world.ask("hive", "alice@ELSEWHERE.COM", SALES).await?, nobody);
    assert_eq!(world.ask("hive", "a/b/c@EXAMPLE.COM", SALES).await?, nobody);
    Ok(())
}

#[tokio::test]
async fn px03_no_alias_and_no_case_leads_around_the_blocklist() -> Result<()> {
    let world = world().await?;
    for alias in ["hdfs", "HDFS", "superman", "hdfs@EXAMPLE.COM", "hdfs/nn1.example.com@EXAMPLE.COM"] {
        for own in ["hive", "gateway"] {
            assert_eq!(world.ask(own, alias, SALES).await?, BLOCKED, "{own} for {alias}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_renewer_is_stored_as_the_principal_that_its_name_is_mapped_to() -> Result<()> {
    let world = world().await?;
    let renewer = "rm/rm1.example.com@EXAMPLE.COM".to_owned();
    let request = v1::IssueDelegationTokenRequest { renewer, ..issue("alice@EXAMPLE.COM") };
    let answer = world.lake.caller("hive")?.issue(request).await?;
    let said = describe(&answer.token)?.identifier;
    assert_eq!(said.renewer.as_ref().map(Principal::as_str), Some("yarn"));
    assert_eq!(said.owner.as_str(), "alice");
    Ok(())
}

#[tokio::test]
async fn whom_a_certificate_names_is_mapped_before_anything_is_decided() -> Result<()> {
    let world = world().await?;
    assert_eq!(world.ask("alice@EXAMPLE.COM", "", SALES).await?, "ok alice for -");
    assert_eq!(world.ask("hive@EXAMPLE.COM", "alice", SALES).await?, "ok hive for alice");
    assert_eq!(world.ask("superman", "", SALES).await?, BLOCKED, "px03");
    assert_eq!(world.ask("hdfs@EXAMPLE.COM", "", SALES).await?, BLOCKED, "px03");
    let nobody = "Unauthenticated UNAUTHENTICATED deny x509_not_mapped";
    assert_eq!(world.ask("alice@ELSEWHERE.COM", "", SALES).await?, nobody);
    Ok(())
}
