//! LG01 over processes: what is left on disk after a day's work holds no secret.

use std::fs;
use std::path::Path;
use std::process::Command;

use lakegate_domain::{Credential, Operation, OperationSet};
use lakegate_testkit::Site;

use crate::processes::{Lake, files};

/// What every token of the emulated cloud begins with.
const TOKEN_MARK: &str = "ya29.";

/// A user who may save Redis to disk; the shipped access list has nobody who may.
const ADMIN: &str = "administrator-of-the-test";

/// Secrets that were laid out, each in pieces as it would be found.
fn laid_out(site: &Site) -> Vec<(String, Vec<u8>)> {
    let text = |name: &str| fs::read_to_string(site.path(name)).unwrap();
    let mut secrets = vec![
        ("redis-password".to_owned(), text("redis-password").into_bytes()),
        ("sealing.key".to_owned(), text("sealing.key").trim().as_bytes().to_vec()),
    ];
    let sealing: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(text("sealing.key").get(2 * at..2 * at + 2).unwrap(), 16).unwrap())
        .collect();
    secrets.push(("sealing.key, its bytes".to_owned(), sealing));
    let source: serde_json::Value = serde_json::from_str(&text("source.json")).unwrap();
    for (name, pem) in [
        ("server.key", text("server.key")),
        ("alice.key", text("alice.key")),
        ("source.json", source.get("private_key").unwrap().as_str().unwrap().to_owned()),
    ] {
        // A line from the middle of the key.
        secrets.push((name.to_owned(), pem.lines().nth(2).unwrap().as_bytes().to_vec()));
    }
    secrets
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

fn redis_cli(site: &Site, words: &[&str]) {
    let port = site.ports().redis.port().to_string();
    let ca = site.path("ca.pem");
    let output = Command::new("redis-cli")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "--tls",
            "--user",
            ADMIN,
            "--pass",
            ADMIN,
            "--no-auth-warning",
        ])
        .arg("--cacert")
        .arg(ca)
        .args(words)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("OK"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lg01_no_secret_is_in_logs_audit_files_the_redis_dump_or_a_core() {
    let mut lake = Lake::start_with(|site| {
        let acl = fs::read_to_string(site.path("redis.acl")).unwrap();
        fs::write(site.path("redis.acl"), format!("{acl}user {ADMIN} on >{ADMIN} ~* &* +@all\n")).unwrap();
        let conf = fs::read_to_string(site.path("redis.conf")).unwrap();
        fs::write(site.path("redis.conf"), conf + "rdbcompression no\n").unwrap();
    })
    .await;
    let mut secrets = laid_out(&lake.site);
    for (caller, place) in [
        ("alice", "gs://lake-sample/warehouse/sales/"),
        ("carol", "gs://lake-sample/warehouse/sales/us/"),
        ("dave", "gs://lake-sample/warehouse/sales/"),
        ("bob", "gs://lake-sample/people/hr/"),
    ] {
        let token = lake.jobs(caller).client().token_for(place, OperationSet::of(&[Operation::Read])).await;
        if let Ok(token) = token {
            let Credential::Bearer(bearer) = token.credential() else { panic!("no bearer token") };
            secrets.push((format!("a token of {caller}"), bearer.expose().as_bytes().to_vec()));
        }
    }
    assert!(secrets.iter().filter(|(name, _)| name.contains("token")).count() >= 3, "too few tokens");
    secrets.push(("any token".to_owned(), TOKEN_MARK.as_bytes().to_vec()));
    redis_cli(&lake.site, &["SAVE"]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", lake.broker(0).id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert!(core.contains(" 0 "), "a core would be written: {core}");
    lake.broker(0).end_by("-ABRT");
    for number in [1, 2] {
        lake.broker(number).end_by("-TERM");
    }
    search(lake.site.folder(), &secrets);
}

/// Reads everything that processes have left, and finds what must be there and nothing else.
fn search(folder: &Path, secrets: &[(String, Vec<u8>)]) {
    let mut kinds = Vec::new();
    for path in files(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with("core"), "{name} was left by a process that died");
        let kind = ["audit.jsonl", ".log", ".rdb"].into_iter().find(|kind| name.ends_with(kind));
        let Some(kind) = kind else { continue };
        kinds.push(kind);
        let content = fs::read(&path).unwrap();
        for (secret, text) in secrets {
            assert!(!holds(&content, text), "{secret} stands in {name}");
        }
        if kind == ".rdb" {
            assert!(holds(&content, b"lg:"), "the dump holds no key of ours: was it searched?");
        }
    }
    for kind in ["audit.jsonl", ".log", ".rdb"] {
        assert!(kinds.contains(&kind), "nothing was searched of {kind}: {kinds:?}");
    }
}
