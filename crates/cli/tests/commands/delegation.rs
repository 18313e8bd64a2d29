//! Delegation tokens as people type them.

use std::os::unix::fs::PermissionsExt;
use std::{fs, io::Write};

use crate::broker::{Lake, SALES};
use crate::{lakegate, stderr, stdout};

/// A token of `alice` for the cluster `lake`, written by nobody's broker.
const TOKEN: &str = "OwAFYWxpY2UEeWFybgCKAaDEUGx7igGg6FzwewcDAQRsYWtlAAECAwQFBgcICQoLDA0OD4oBoMl2yHsAINDCfBlaoZCOyDlDnb0nhqj6BrwJInXG61m_5cWJrGIrGUxBS0VHQVRFX0RFTEVHQVRJT05fVE9LRU4A";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_written_for_a_job_that_works_by_it_and_gets_no_other() {
    let lake = Lake::new().await;
    let file = lake.path("job.token").display().to_string();
    let issued = lake.run("alice", &["delegation-token", "issue", "--renewer", "yarn", "--out", &file]).await;
    assert_eq!(issued.status.code(), Some(0), "{}", stderr(&issued));
    let token = fs::read_to_string(&file).unwrap();
    assert!(stdout(&issued).contains("job.token") && !stdout(&issued).contains(token.trim()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = lakegate(&["-o", "json", "delegation-token", "show", &file]);
    let document: serde_json::Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert_eq!((&document["owner"], &document["renewer"]), (&"alice".into(), &"yarn".into()));
    let got = lake.run_by_token("job.token", &["token", "get", SALES]).await;
    assert_eq!(got.status.code(), Some(0), "{}", stderr(&got));
    let explained = lake.run_by_token("job.token", &["explain", SALES]).await;
    assert_eq!(explained.status.code(), Some(0), "{}", stderr(&explained));
    let another = lake.run_by_token("job.token", &["delegation-token", "issue"]).await;
    assert_eq!(another.status.code(), Some(3), "dt14: {}", stdout(&another));
    let again = lake.run("alice", &["-o", "json", "delegation-token", "issue", "--out", &file]).await;
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_ne!(fs::read_to_string(&file).unwrap(), token, "a file that is there is replaced whole");
    assert!(!stdout(&again).contains("\"token\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_by_its_renewer_and_cancelled_by_its_owner() {
    let lake = Lake::new().await;
    let file = lake.path("job.token").display().to_string();
    let storage = lake.path("job.storage").display().to_string();
    let issue = |to: &[&str]| [&["delegation-token", "issue", "--renewer", "bob"], to].concat().join(" ");
    for to in [["--out", &file], ["--credentials-file", &storage]] {
        let line = issue(&to);
        let issued = lake.run("alice", &line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!(issued.status.code(), Some(0), "{}", stderr(&issued));
        let renewed = lake.run("bob", &["-o", "json", "delegation-token", "renew", to[1]]).await;
        assert_eq!(renewed.status.code(), Some(0), "{}", stderr(&renewed));
        let document: serde_json::Value = serde_json::from_str(&stdout(&renewed)).unwrap();
        assert!(document["renew_before"].is_string() && document["audit_id"].is_string());
        let denied = lake.run("alice", &["delegation-token", "renew", to[1]]).await;
        assert_eq!(denied.status.code(), Some(3), "dt13: {}", stderr(&denied));
        let cancelled = lake.run("alice", &["delegation-token", "cancel", to[1]]).await;
        assert_eq!(cancelled.status.code(), Some(0), "{}", stderr(&cancelled));
        let again = lake.run("bob", &["-o", "json", "delegation-token", "cancel", to[1]]).await;
        assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
        let over = lake.run("bob", &["delegation-token", "renew", to[1]]).await;
        assert_eq!(over.status.code(), Some(5), "dt17: {}", stderr(&over));
    }
    let refused = lake.run_by_token("job.token", &["token", "get", SALES]).await;
    assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
    let none = lake.run("alice", &["delegation-token", "cancel", ""]).await;
    assert_eq!(none.status.code(), Some(5), "{}", stderr(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_alone_or_as_json() {
    let lake = Lake::new().await;
    let printed = lake.run("alice", &["delegation-token", "issue"]).await;
    let token = stdout(&printed);
    assert_eq!(token.lines().count(), 1, "{token}");
    lake.write("printed.token", &token);
    let got = lake.run_by_token("printed.token", &["token", "get", SALES]).await;
    assert_eq!(got.status.code(), Some(0), "{}", stderr(&got));
    let json = lake.run("alice", &["-o", "json", "delegation-token", "issue"]).await;
    let document: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert!(document["token"].as_str().unwrap().len() > 100 && document["max_date"].is_string());
    let bad = lake.run("alice", &["delegation-token", "issue", "--renewer", "*"]).await;
    assert_eq!(bad.status.code(), Some(5), "dt21: {}", stderr(&bad));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_believed_ends_with_4_and_a_bad_file_says_which() {
    let lake = Lake::new().await;
    lake.write("foreign.token", TOKEN);
    let foreign = lake.run_by_token("foreign.token", &["token", "get", SALES]).await;
    assert_eq!(foreign.status.code(), Some(4), "{}", stderr(&foreign));
    assert!(!stderr(&foreign).contains(TOKEN));
    lake.write("open.token", TOKEN);
    fs::set_permissions(lake.path("open.token"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = lake.run_by_token("open.token", &["token", "get", SALES]).await;
    assert_eq!(open.status.code(), Some(1), "cl10");
    assert!(stderr(&open).contains("open.token") && stderr(&open).contains("0600"), "{}", stderr(&open));
    lake.write("no.token", "a b");
    let none = lake.run_by_token("no.token", &["token", "get", SALES]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("no.token"), "{}", stderr(&none));
    let (file, cert) = (lake.path("foreign.token"), lake.path("alice.pem"));
    let credential = ["--delegation-token-file", file.to_str().unwrap(), "--cert", cert.to_str().unwrap()];
    let both = lake.run_with(&["token", "get", SALES], &credential).await;
    assert_eq!(both.status.code(), Some(5), "dt25: {}", stderr(&both));
}

#[test]
fn a_token_is_shown_without_keys_and_without_its_mac() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{TOKEN}").unwrap();
    for argument in [TOKEN, file.path().to_str().unwrap()] {
        let table = lakegate(&["delegation-token", "show", argument]);
        assert_eq!(table.status.code(), Some(0), "{}", stderr(&table));
        for fact in ["alice", "yarn", "lake", "000102030405060708090a0b0c0d0e0f", "Not verified"] {
            assert!(stdout(&table).contains(fact), "{fact} is not in {}", stdout(&table));
        }
        // The MAC in the url string, and in hexadecimal.
        assert!(!stdout(&table).contains("0MJ8GVqhk") && !stdout(&table).contains("d0c27c19"));
    }
    let json = lakegate(&["-o", "json", "delegation-token", "show", TOKEN]);
    let document: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(document["first_renew_date"], "2026-09-22T14:13:20.123Z");
    assert_eq!(document["real_user"], "-");
    for bad in ["", "canary-77", &[TOKEN, "AAAA"].concat()] {
        let run = lakegate(&["delegation-token", "show", bad]);
        assert_eq!(run.status.code(), Some(5), "{bad}");
        assert!(!stderr(&run).contains("canary"), "{}", stderr(&run));
    }
}
