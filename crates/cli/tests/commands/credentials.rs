//! Hadoop's token-storage files as people use them: a token is added, a job finds it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use lakegate_delegation::KIND;
use lakegate_delegation::hadoop::Credentials;
use serde_json::Value;

use crate::broker::{Lake, SALES};
use crate::{lakegate, lakegate_with, stderr, stdout};

/// A token of another kind under `svc` and a secret under `k`, as Hadoop 3.3.4 wrote them, in version 1.
const THEIRS: &[u8] =
    b"HDTS\x01\x20\x0a\x14\x0a\x03svc\x12\x0d\x0a\x02\x01\x02\x12\x01\x03\x1a\x01K\x22\x01S\
                        \x12\x08\x0a\x01k\x1a\x03\x09\x08\x07";

fn credentials(path: &Path) -> Credentials {
    Credentials::read(&fs::read(path).unwrap()).unwrap()
}

fn issue<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["delegation-token", "issue", "--credentials-file", file], more].concat()
}

fn issued(lake: &Lake) -> usize {
    let records = lake.deployment.audit().records().unwrap();
    records.iter().filter(|record| record["rpc"] == "IssueDelegationToken").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_added_to_hadoops_file_and_a_job_finds_it_there() {
    let lake = Lake::new().await;
    let file = lake.path("job.storage");
    fs::write(&file, THEIRS).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let name = file.display().to_string();
    let run = lake.run("alice", &[&["-o", "json"][..], &issue(&name, &["--renewer", "yarn"])].concat()).await;
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let service = lake.deployment.endpoint().replace("https://", "");
    let told: Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!((&told["file"], &told["service"]), (&name.clone().into(), &service.clone().into()));
    assert!(told.get("token").is_none());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let after = credentials(&file);
    let tokens: Vec<_> = after.tokens().collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!((tokens[0].0, tokens[0].1.kind, tokens[0].1.service), (&*service, KIND, &*service));
    assert_eq!((tokens[1].0, tokens[1].1.identifier, tokens[1].1.password), ("svc", &[1, 2][..], &[3][..]));
    assert_eq!(after.secret("k"), Some(&[9, 8, 7][..]));
    let first = tokens[0].1.to_url();
    let again = lake.run("alice", &issue(&name, &[])).await;
    assert!(again.status.success() && !stdout(&again).contains(&first[..40]), "{}", stderr(&again));
    let replaced = credentials(&file);
    assert_eq!(replaced.tokens().count(), 2);
    assert_ne!(replaced.tokens().next().unwrap().1.to_url(), first, "replaced");
    let job = lake.run_by_token("job.storage", &["token", "get", SALES]).await;
    assert_eq!(job.status.code(), Some(0), "{}", stderr(&job));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_environment_is_enough_and_hadoops_variable_gives_way_to_a_certificate() {
    let lake = Lake::new().await;
    let file = lake.path("job.storage").display().to_string();
    let run = lake.run("alice", &issue(&file, &[])).await;
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let url = credentials(Path::new(&file)).tokens().next().unwrap().1.to_url();
    let (broker, ca) = (lake.deployment.endpoint(), lake.path("ca.pem").display().to_string());
    let several = format!("https://localhost:9,{broker}");
    let place = [("LAKEGATE_BROKER", several.as_str()), ("LAKEGATE_CA", &ca)];
    let run = |variables: &[(&str, &str)], args: &[&str]| lakegate_with(&[&place, variables].concat(), args);
    let get = ["token", "get", SALES];
    for variable in [
        ("HADOOP_TOKEN_FILE_LOCATION", file.as_str()),
        ("LAKEGATE_DELEGATION_TOKEN_FILE", &file),
        ("LAKEGATE_DELEGATION_TOKEN", &url),
    ] {
        let got = run(&[variable], &get);
        assert_eq!(got.status.code(), Some(0), "{}: {}", variable.0, stderr(&got));
        assert_eq!(run(&[variable], &["explain", SALES]).status.code(), Some(0), "{}", variable.0);
    }
    let (cert, key) =
        (lake.path("bob.pem").display().to_string(), lake.path("bob.key").display().to_string());
    let bob = [("LAKEGATE_CERT", cert.as_str()), ("LAKEGATE_KEY", &key)];
    let hadoops = [&bob[..], &[("HADOOP_TOKEN_FILE_LOCATION", &file)]].concat();
    assert_eq!(run(&hadoops, &get).status.code(), Some(3), "bob asked, and not the token's owner");
    let ours = [&bob[..], &[("LAKEGATE_DELEGATION_TOKEN", &url)]].concat();
    assert_eq!(run(&ours, &get).status.code(), Some(5), "dt25: two identities");
    let two = [("LAKEGATE_DELEGATION_TOKEN", url.as_str()), ("LAKEGATE_DELEGATION_TOKEN_FILE", &file)];
    assert_eq!(run(&two, &get).status.code(), Some(1), "dt25: two tokens");
    lake.write("theirs.storage", "HDTS\0\0\0");
    let theirs = lake.path("theirs.storage").display().to_string();
    let none = run(&[("HADOOP_TOKEN_FILE_LOCATION", &theirs)], &get);
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("theirs.storage") && stderr(&none).contains(KIND), "{}", stderr(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_the_callers_own_is_left_alone_and_no_token_is_issued_for_it() {
    let lake = Lake::new().await;
    let path = |name: &str| lake.path(name).display().to_string();
    fs::write(lake.path("real"), THEIRS).unwrap();
    symlink(lake.path("real"), lake.path("link")).unwrap();
    symlink(lake.path("nowhere"), lake.path("dangling")).unwrap();
    fs::create_dir(lake.path("folder")).unwrap();
    fs::write(lake.path("text"), "IQAFYWxpY2U").unwrap();
    fs::write(lake.path("newer"), b"HDTS\x02").unwrap();
    fs::write(lake.path("short"), &THEIRS[..20]).unwrap();
    let taken = issue("", &[])[..3].to_vec();
    for (name, said) in [
        ("link", "symbolic link"),
        ("dangling", "symbolic link"),
        ("folder", "is not a file"),
        ("text", "bad header found in token storage"),
        ("newer", "unknown version 2 in token storage"),
        ("short", "malformed"),
    ] {
        let file = path(name);
        let run = lake.run("alice", &[&taken[..], &[&file]].concat()).await;
        assert_eq!(run.status.code(), Some(5), "{name}: {}", stderr(&run));
        assert!(stderr(&run).contains(said) && stderr(&run).contains(name), "{name}: {}", stderr(&run));
    }
    let (real, absent) = (path("real"), path("absent/storage"));
    let other = lake.run("alice", &issue(&real, &["--service", "svc"])).await;
    assert_eq!(other.status.code(), Some(5), "{}", stderr(&other));
    assert!(stderr(&other).contains("another kind"), "{}", stderr(&other));
    assert_eq!(fs::read(lake.path("real")).unwrap(), THEIRS);
    assert!(fs::symlink_metadata(lake.path("link")).unwrap().is_symlink());
    assert_eq!(issued(&lake), 0);
    let nowhere = lake.run("alice", &issue(&absent, &[])).await;
    assert_eq!(nowhere.status.code(), Some(1), "{}", stderr(&nowhere));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_change_one_file_at_once_lose_nothing_of_one_another() {
    let lake = Lake::new().await;
    let file = lake.path("job.storage").display().to_string();
    let services: Vec<String> = (0..4).map(|number| format!("broker-{number}.example:8443")).collect();
    let args: Vec<_> = services.iter().map(|service| issue(&file, &["--service", service])).collect();
    let runs = args.iter().map(|args| lake.run("alice", args));
    for run in futures_util::future::join_all(runs).await {
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    }
    let after = credentials(Path::new(&file));
    assert_eq!(after.tokens().map(|(alias, _)| alias).collect::<Vec<_>>(), services);
    let left: Vec<_> =
        fs::read_dir(lake.deployment.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_file_is_shown_without_any_secret() {
    let lake = Lake::new().await;
    let file = lake.path("job.storage").display().to_string();
    fs::write(&file, THEIRS).unwrap();
    assert!(lake.run("alice", &issue(&file, &["--renewer", "yarn"])).await.status.success());
    let table = lakegate(&["delegation-token", "show", &file]);
    assert_eq!(table.status.code(), Some(0), "{}", stderr(&table));
    for fact in ["alice", "yarn", "svc", "quickstart", "Secrets under k;", "Nothing is verified"] {
        assert!(stdout(&table).contains(fact), "{fact} is not in {}", stdout(&table));
    }
    let found = lakegate_with(&[("HADOOP_TOKEN_FILE_LOCATION", &file)], &["delegation-token", "show"]);
    assert_eq!(stdout(&found), stdout(&table));
    let json = lakegate(&["-o", "json", "delegation-token", "show", &file]);
    let document: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(document["tokens"][0]["owner"], "alice");
    assert_eq!(document["tokens"][1], serde_json::json!({ "alias": "svc", "kind": "K", "service": "S" }));
    assert_eq!(document["secrets"], serde_json::json!(["k"]));
    let after = credentials(Path::new(&file));
    let (url, mac) =
        after.tokens().next().map(|(_, token)| (token.to_url(), token.password.to_vec())).unwrap();
    let digits = mac.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mac: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    for text in [stdout(&table), stdout(&json)] {
        assert!(!text.contains(&mac) && !text.contains(&url[60..100]), "{text}");
    }
}
