//! What a process remembers of revocation lists when it is started again, and what it does when a place of lists hangs.

use lakegate_testkit::Issued;

use crate::reload::{is_failing, metric, until};
use crate::revocation::{copy, is_ready, keep, list, site_with_file, works};
use crate::site::{Running, Site, broker};

const OLDER: &str = "lakegate_broker_revocation_lists_refused_total{authority=\"default\",reason=\"older\"}";

/// A site with a file of lists, whose brokers keep them.
async fn site_that_keeps() -> Site {
    let site = site_with_file().await;
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    let line = format!("keep_lists = \"{}\"\nrevocation = {{", site.path("kept").display());
    site.write("broker.toml", &config.replacen("revocation = {", &line, 1));
    std::fs::create_dir(site.path("kept")).unwrap();
    site
}

/// Whether a broker lets the holder of this certificate in.
async fn lets_in(site: &Site, broker: &Running, issued: &Issued) -> bool {
    works(&site.client_by(copy(issued), broker)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn xc10_a_process_that_starts_again_takes_no_older_list_than_it_had() {
    let site = site_that_keeps().await;
    let (alice, other) = (site.authority.client("alice").unwrap(), site.authority.client("alice").unwrap());
    keep(&site, &list(&site.authority, 7, &[]));
    let broker = site.start();
    until("the first list", async || is_ready(&broker).await).await;
    assert!(lets_in(&site, &broker, &alice).await);
    keep(&site, &list(&site.authority, 8, &[&alice]));
    until("it is revoked", async || !lets_in(&site, &broker, &alice).await).await;
    until("it is kept", async || std::fs::read_dir(site.path("kept")).unwrap().count() == 1).await;
    assert!(broker.stop().0.success());

    keep(&site, &list(&site.authority, 7, &[]));
    let broker = site.start();
    assert!(
        !lets_in(&site, &broker, &alice).await,
        "the older list is there, and the newer one is remembered"
    );
    until("everything else", async || is_ready(&broker).await).await;
    assert!(lets_in(&site, &broker, &other).await);
    assert!(is_failing(&broker, "revocation").await && metric(&broker, OLDER).await >= 1.0, "the alarm");
    assert!(broker.stop().0.success());

    // As after a restore of the authority: the memory is taken away by hand.
    std::fs::remove_dir_all(site.path("kept")).unwrap();
    std::fs::create_dir(site.path("kept")).unwrap();
    let broker = site.start();
    until("everything", async || is_ready(&broker).await).await;
    assert!(lets_in(&site, &broker, &alice).await);
    assert!(!is_failing(&broker, "revocation").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_lists_that_hangs_is_told_and_neither_the_others_nor_the_end_wait_for_it() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let site = site_that_keeps().await;
    let pipe = site.path("hangs.crl");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    let both = format!("files = [\"{}\", ", pipe.display());
    site.write("broker.toml", &config.replacen("files = [", &both, 1));
    let alice = site.authority.client("alice").unwrap();
    keep(&site, &list(&site.authority, 1, &[]));
    let broker = site.start();
    until("the list of the other place", async || is_ready(&broker).await).await;
    assert!(lets_in(&site, &broker, &alice).await);
    assert!(is_failing(&broker, "revocation").await, "the place that hangs is told");
    keep(&site, &list(&site.authority, 2, &[&alice]));
    until("lists are followed", async || !lets_in(&site, &broker, &alice).await).await;
    let (status, _) = broker.stop();
    assert!(status.success(), "a thread that is held must not hold the process");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_keep_lists_is_told_by_the_check() {
    let site = site_that_keeps().await;
    keep(&site, &list(&site.authority, 1, &[]));
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    site.write("broker.toml", &config.replace("reload_seconds = 86400", "reload_seconds = 2"));
    let said = || {
        let mut command = broker(&site.path("broker.toml"));
        let output = command.arg("--check-config").stdout(std::process::Stdio::piped()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(said().contains("0 errors") && !said().contains("keep_lists"), "{}", said());
    std::fs::remove_dir(site.path("kept")).unwrap();
    assert!(said().contains("tls.keep_lists: ") && said().contains("1 errors"), "{}", said());
    let config = std::fs::read_to_string(site.path("broker.toml")).unwrap();
    let line = config.lines().find(|line| line.starts_with("keep_lists")).unwrap().to_owned();
    site.write("broker.toml", &config.replace(&line, ""));
    assert!(said().contains("a restart forgets the newest revocation lists"), "{}", said());
}
