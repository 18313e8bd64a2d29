//! The configuration files of a site's processes.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};

use super::cloud::{CANARY, STORAGE_ACCOUNT};
use super::{Site, random_hex};

/// What operators are shown for Redis.
const REDIS: &str = include_str!("../../../../docs/examples/redis.conf");
const REDIS_ACL: &str = include_str!("../../../../docs/examples/redis.acl");

/// What an operator replaces in the access list.
const PASSWORD_DIGEST: &str = "SHA256-OF-THE-PASSWORD";

/// Calls a minute that the emulated cloud's token service allows.
const STS_CALLS_PER_MINUTE: u32 = 6_000;

/// Writes all of them.
pub(super) fn lay_out(site: &Site) -> Result<()> {
    redis(site)?;
    for (number, ports) in (1_usize..).zip(site.ports.brokers.clone()) {
        site.write(&format!("broker-{number}.toml"), &broker(site, number, ports))?;
    }
    site.write("generator.toml", &generator(site))?;
    site.write("alice.env", &environment(site, "alice"))
}

/// Redis as the examples show it, in this folder and on this port.
fn redis(site: &Site) -> Result<()> {
    let password = random_hex(24)?;
    ensure!(REDIS_ACL.contains(PASSWORD_DIGEST), "the access list has no place for the password");
    let sha256 = hex::encode(digest(&SHA256, password.as_bytes()));
    site.write("redis-password", &password)?;
    site.write("redis.acl", &REDIS_ACL.replace(PASSWORD_DIGEST, &sha256))?;
    let here = site.folder.display().to_string();
    let conf = REDIS.replace("/etc/redis", &here).replace("tls-port 6379", "");
    let port = site.ports.redis.port();
    site.write("redis.conf", &format!("{conf}\ntls-port {port}\nbind 127.0.0.1\ndir {here}\n"))
}

fn broker(site: &Site, number: usize, (public, admin): (SocketAddr, SocketAddr)) -> String {
    let (here, brokers) = (site.folder.display(), site.ports.brokers.len());
    let shared = shared(site);
    format!(
        r#"listen = "{public}"
admin_listen = "{admin}"
cluster = "sample"
max_brokers = {brokers}
audit_file = "{here}/broker-{number}-audit.jsonl"
administrators = ["root-admin"]
own_buckets = ["gs://lakegate-state"]
drain_seconds = 5

[tls]
certificate = "{here}/server.pem"
key = "{here}/server.key"
client_ca = "{here}/ca.pem"
revocation = "none"

[policy]
file = "{here}/policy.json"
reload_seconds = 1

{shared}"#
    )
}

fn generator(site: &Site) -> String {
    let (here, admin) = (site.folder.display(), site.ports.generator);
    let shared = shared(site);
    format!(
        r#"admin_listen = "{admin}"
cluster = "sample"
policy_file = "{here}/policy.json"
policy_reload_seconds = 1

{shared}"#
    )
}

/// What brokers and generator have in common: the shared tier, its keys, the storage.
fn shared(site: &Site) -> String {
    let (here, cloud) = (site.folder.display(), site.ports.cloud);
    let redis = site.ports.redis.port();
    format!(
        r#"[store]
kind = "redis"
url = "rediss://127.0.0.1:{redis}"
username = "lakegate"
password_file = "{here}/redis-password"
ca = "{here}/ca.pem"

[sealing]
current = {{ id = 1, file = "{here}/sealing.key" }}

[[storages]]
id = "lake"
sts_url = "http://{cloud}/v1/token"
sts_calls_per_minute = {STS_CALLS_PER_MINUTE}
settle_seconds = 0
storage_url = "http://{cloud}"
canary = "{CANARY}"

[storages.source]
kind = "impersonation"
key_file = "{here}/source.json"
account = "{STORAGE_ACCOUNT}"
iam_url = "http://{cloud}"
"#
    )
}

/// What a shell of this caller reads before `lakegate token get`.
fn environment(site: &Site, name: &str) -> String {
    let here = site.folder.display();
    let broker = site.endpoints().into_iter().next().unwrap_or_default();
    format!(
        "export LAKEGATE_BROKER={broker}\nexport LAKEGATE_CA={here}/ca.pem\n\
         export LAKEGATE_CERT={here}/{name}.pem\nexport LAKEGATE_KEY={here}/{name}.key\n"
    )
}
