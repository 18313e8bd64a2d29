//! Services: their certificates count from their hosts only, and name a login.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;
use lakegate_broker::identity::{DnsResolver, HostResolver, IdentitySettings};
use lakegate_policy::PolicyDocument;
use lakegate_proto::v1::{GetAccessTokenRequest, IssueDelegationTokenRequest};
use lakegate_testkit::{
    Deployment, GET_ACCESS_TOKEN, NameServer, Options, Refused, RunGenerator, framed, part, request,
};
use prost::Message;
use rcgen::DnType;

use crate::world::{READ, SALES, identities, subject};

const NODE: &str = "node-1.lake.example";

const POLICY: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-one] }]
projects: [{ name: demo }]
datasets: [{ name: sales, prefix: "gs://lake-one/sales/", project: demo }]
rules:
  - { id: sales, effect: allow, on: { dataset: sales }, to: ["principal:hive@svc"], operations: [read, list] }
"#;

const ELSEWHERE: &str = "PermissionDenied PERMISSION_DENIED deny service_host";
const UNKNOWN: &str = "Unavailable IDENTITY_UNAVAILABLE error host_unknown";

struct World {
    names: NameServer,
    lake: Deployment,
}

impl World {
    async fn start() -> Result<Self> {
        let names = NameServer::start().await?;
        let settings: IdentitySettings = serde_json::from_value(serde_json::json!({"profiles": [
            {"name": "services", "identity": "common-name", "kind": "service", "realm": "svc"},
        ]}))?;
        let resolver: Arc<dyn HostResolver> = Arc::new(DnsResolver::new(&[names.address()])?);
        let identities = identities(&settings, Some(resolver));
        let policy = PolicyDocument::from_yaml(POLICY)?;
        let options = Options { generator: RunGenerator::Absent, identities, ..Options::of(policy) };
        Ok(Self { names, lake: Deployment::start(options).await? })
    }

    /// Hive on its node calls from an address of this machine.
    fn hive_from(&self, address: Ipv4Addr) -> Result<lakegate_testkit::Caller> {
        let names = [(DnType::CommonName, NODE), (DnType::LocalityName, "hive")];
        self.lake.caller_as_from(subject(&self.lake, &names)?, address)
    }

    fn told(&self, refused: &Refused) -> Result<String> {
        self.lake.told(refused)
    }
}

#[tokio::test]
async fn a_service_at_its_host_is_its_login() -> Result<()> {
    let world = World::start().await?;
    world.names.put(NODE, &["10.0.0.7", "127.0.0.1", "fd00::1"]);
    let hive = world.hive_from(Ipv4Addr::LOCALHOST)?;
    let record = world.lake.audit().record(&hive.ask(SALES, READ).await?.audit_id)?;
    assert_eq!((&record["principal"], &record["kind"]), (&"hive@svc".into(), &"service".into()));
    assert_eq!((&record["profile"], &record["host"]), (&"services".into(), &NODE.into()));
    Ok(())
}

#[tokio::test]
async fn xc21_a_service_from_elsewhere_is_refused_whatever_its_headers_say() -> Result<()> {
    let world = World::start().await?;
    world.names.put(NODE, &["127.0.0.1", "10.0.0.7"]);
    let thief = world.hive_from(Ipv4Addr::new(127, 0, 0, 9))?;
    let refused = thief.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, ELSEWHERE);
    let record = world.lake.audit().record(&refused.audit_id)?;
    assert_eq!((&record["principal"], &record["host"]), (&"hive@svc".into(), &NODE.into()));
    let message = GetAccessTokenRequest { parts: vec![part(SALES, READ)], ..Default::default() };
    for header in ["x-forwarded-for", "x-real-ip", "forwarded", "x-envoy-external-address"] {
        let mut request = request(GET_ACCESS_TOKEN, framed(&message.encode_to_vec()))?;
        let value = if header == "forwarded" { "for=127.0.0.1" } else { "127.0.0.1" };
        request.headers_mut().insert(header, value.parse()?);
        let refused = thief.send(request).await?.refused()?;
        assert_eq!(world.told(&refused)?, ELSEWHERE, "{header}");
    }
    assert_eq!(world.told(&thief.delegation_token("").await.unwrap_err())?, ELSEWHERE);
    Ok(())
}

#[tokio::test]
async fn xc21_a_host_that_is_nowhere_is_refused_and_one_that_nobody_knows_of_is_put_off() -> Result<()> {
    let world = World::start().await?;
    let hive = || world.hive_from(Ipv4Addr::LOCALHOST);
    assert_eq!(world.told(&hive()?.ask(SALES, READ).await.unwrap_err())?, ELSEWHERE, "no such host");
    let world = World::start().await?;
    world.names.break_off(NODE);
    let hive = world.hive_from(Ipv4Addr::LOCALHOST)?;
    let refused = hive.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, UNKNOWN);
    assert!(refused.retry_after.is_some());
    world.names.put(NODE, &["127.0.0.1"]);
    hive.ask(SALES, READ).await?;
    Ok(())
}

#[tokio::test]
async fn xc22_a_service_without_a_login_is_refused() -> Result<()> {
    let world = World::start().await?;
    world.names.put(NODE, &["127.0.0.1"]);
    let nameless = subject(&world.lake, &[(DnType::CommonName, NODE)])?;
    let refused = world.lake.caller_as(nameless)?.ask(SALES, READ).await.unwrap_err();
    assert_eq!(world.told(&refused)?, "PermissionDenied PERMISSION_DENIED deny service_login");
    Ok(())
}

#[tokio::test]
async fn xc20_xc22_another_user_in_the_call_is_refused_with_both_names_on_record() -> Result<()> {
    let world = World::start().await?;
    world.names.put(NODE, &["127.0.0.1"]);
    let hive = world.hive_from(Ipv4Addr::LOCALHOST)?;
    let one = GetAccessTokenRequest {
        parts: vec![part(SALES, READ)],
        on_behalf_of: "hdfs@svc".to_owned(),
        ..Default::default()
    };
    let issue = IssueDelegationTokenRequest { on_behalf_of: "hdfs@svc".to_owned(), ..Default::default() };
    for refused in [hive.get(one).await.unwrap_err(), hive.issue(issue).await.unwrap_err()] {
        assert_eq!(world.told(&refused)?, "PermissionDenied PERMISSION_DENIED deny proxy_rule");
        let record = world.lake.audit().record(&refused.audit_id)?;
        assert_eq!((&record["principal"], &record["on_behalf_of"]), (&"hive@svc".into(), &"hdfs@svc".into()));
    }
    Ok(())
}
