//! `--check-config` on authorities of clients and their revocation lists.

use std::time::Duration;

use lakegate_domain::{Clock, SystemClock};
use lakegate_testkit::{Authority, RevocationDraft};

use crate::site::{Site, broker};

/// What the check says of a configuration in whose `[tls]` the authorities are written like this.
fn said(site: &Site, authorities: &str) -> String {
    let ca = format!("client_ca = \"{}\"\n", site.path("client-ca.pem").display());
    let config = site.config();
    assert!(config.contains(&ca) && config.contains("revocation = \"none\"\n"));
    let config = config.replace(&ca, "").replacen("revocation = \"none\"\n", authorities, 1);
    site.write(
        "broker.toml",
        &config.replace("FOLDER", site.path("").to_str().unwrap().trim_end_matches('/')),
    );
    let output = broker(&site.path("broker.toml"))
        .arg("--check-config")
        .stdout(std::process::Stdio::piped())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_that_do_not_fit_together_are_told_with_their_key() {
    let site = Site::new().await;
    let other = Authority::new().unwrap();
    site.write("other.pem", &other.certificate_pem());
    site.write("leaf.pem", &other.client("alice").unwrap().certificate_pem);
    let one = |name: &str, file: &str| {
        format!("[[tls.authorities]]\nname = \"{name}\"\nfile = \"FOLDER/{file}\"\nrevocation = \"none\"\n")
    };
    let both = [one("staff", "client-ca.pem"), one("jobs", "other.pem")].concat();
    let profile = |authority: &str| {
        format!(
            "[[identity.profiles]]\nname = \"{authority}\"\nauthority = \"{authority}\"\n\
             identity = \"common-name\"\nkind = \"user\"\nrealm = \"{authority}\"\n"
        )
    };
    let good = [both.clone(), profile("staff"), profile("jobs")].concat();
    assert!(said(&site, &good).contains("0 errors"), "{}", said(&site, &good));
    for (authorities, named) in [
        (String::new(), "one of client_ca and authorities must be set"),
        (["client_ca = \"FOLDER/client-ca.pem\"\nrevocation = \"none\"\n", &good].concat(), "only one"),
        ("client_ca = \"FOLDER/client-ca.pem\"\n".to_owned(), "revocation must be set beside client_ca"),
        (["revocation = \"none\"\n", &good].concat(), "each of authorities has its own"),
        (good.replacen("revocation = \"none\"\n", "", 1), "missing field `revocation`"),
        (good.replacen("revocation = \"none\"", "revocation = \"maybe\"", 1), "expected \"none\" or a table"),
        (good.replacen("revocation = \"none\"", "revocation = {}", 1), "neither files nor urls"),
        (good.replacen("\"none\"", "{ file = \"x\" }", 1), "unknown field `file`"),
        (good.replace("\"jobs\"", "\"staff\""), "authority staff is configured twice"),
        (good.replace("\"jobs\"", "\"Jobs\""), "an authority's name has 1 to 64 characters"),
        (good.replace("other.pem", "client-ca.pem"), "authorities staff and jobs share an issuer"),
        (good.replace("other.pem", "leaf.pem"), "certificate 1 may not issue certificates"),
        (good.replace("other.pem", "absent.pem"), "tls.authorities[1].file: file"),
        (both.clone(), "identity.profiles: there are several authorities and no profiles"),
    ] {
        let said = said(&site, &authorities);
        assert!(said.contains(named), "{named} is not in: {said}");
        assert!(!said.contains("0 errors"), "{named}: {said}");
    }
    said(&site, &both);
    let output = broker(&site.path("broker.toml")).output().unwrap();
    assert!(!output.status.success(), "xc24: a broker starts, and each authority names anybody");
    assert!(String::from_utf8_lossy(&output.stderr).contains("write a profile for each authority"));
}

#[tokio::test(flavor = "multi_thread")]
async fn xc08_xc09_lists_that_would_let_nobody_in_are_told_with_their_key() {
    let site = Site::new().await;
    let (root, now) = (&site.authority, SystemClock.now());
    let fresh = RevocationDraft::fresh(1, &[]);
    let old = RevocationDraft {
        this_update: now.minus(Duration::from_hours(48)),
        next_update: now.minus(Duration::from_hours(24)),
        ..fresh.clone()
    };
    site.write("good.crl", &root.revocation_list_pem(&fresh).unwrap());
    site.write("old.crl", &root.revocation_list_pem(&old).unwrap());
    site.write("foreign.crl", &Authority::new().unwrap().revocation_list_pem(&fresh).unwrap());
    site.write("half.crl", &root.revocation_list_pem(&fresh).unwrap()[..200]);
    std::fs::create_dir(site.path("folder.crl")).unwrap();
    let lists = |places: &str| {
        said(&site, &format!("client_ca = \"FOLDER/client-ca.pem\"\nrevocation = {{ {places} }}\n"))
    };
    assert!(lists("files = [\"FOLDER/good.crl\"]").contains("0 errors"));
    assert!(lists("urls = [\"http://ca.example/clients.crl\"]").contains("0 errors"), "nobody is asked");
    for (places, named) in [
        ("files = [\"FOLDER/absent.crl\"]", "tls.revocation.files[0]: file"),
        ("files = [\"FOLDER/folder.crl\"]", "tls.revocation.files[0]: file"),
        ("files = [\"FOLDER/half.crl\"]", "holds no revocation list"),
        ("files = [\"FOLDER/foreign.crl\"]", "signature of the revocation list is not believed"),
        ("files = [\"FOLDER/foreign.crl\"]", "1 issuers in the authority's file have no list"),
        ("files = [\"FOLDER/old.crl\"]", "a list is beyond its nextUpdate and the grace"),
        (
            "urls = [\"http://169.254.169.254/latest\"]",
            "tls.revocation.urls[0]: the address is that of a metadata",
        ),
        ("urls = [\"file:///etc/passwd\"]", "tls.revocation.urls[0]: only http and https are spoken"),
    ] {
        let said = lists(places);
        assert!(said.contains(named), "{named} is not in: {said}");
        assert!(!said.contains("0 errors"), "{named}: {said}");
    }
    let long = lists("files = [\"FOLDER/old.crl\"], grace_seconds = 604800");
    assert!(long.contains("0 errors") && long.contains("tls.revocation.grace_seconds: a revoked"), "{long}");
    assert!(long.contains("a list is beyond its nextUpdate"), "{long}");
}
