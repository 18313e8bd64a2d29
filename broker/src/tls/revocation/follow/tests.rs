//! Places that are good, gone, too long and good again.

use std::fs::{self, File};

use lakegate_domain::SystemClock;
use lakegate_testkit::{Authority, Issued, RevocationDraft};
use prometheus::Registry;
use tempfile::TempDir;

use super::*;
use crate::tls::{AuthorityFiles, AuthorityName, ClientCertificates, Revocation, TlsFiles, TlsVersions};

/// Two places of one authority with one root.
struct Followed {
    root: Authority,
    folder: TempDir,
    book: Arc<RevocationBook>,
    reloads: Reloads,
    _live: Arc<LiveTls>,
}

impl Followed {
    async fn start(first: &[u8]) -> Self {
        let root = Authority::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("one"), first).unwrap();
        let book = Arc::new(RevocationBook::new(AuthorityName::default_name(), Duration::ZERO));
        let Issued { chain, key, .. } = root.server().unwrap();
        let files = TlsFiles {
            chain,
            key,
            authorities: vec![AuthorityFiles {
                name: AuthorityName::default_name(),
                certificates: vec![root.certificate()],
                revocation: Revocation::Lists(Arc::clone(&book)),
            }],
            clients: ClientCertificates::Required,
            versions: TlsVersions::Tls13,
        };
        let live = Arc::new(LiveTls::new(files, clock.now()).unwrap());
        let reloads = Reloads::new(&Registry::new(), Arc::clone(&clock)).unwrap();
        let settings = ListSettings {
            files: ["one", "two"].map(|name| folder.path().join(name)).to_vec(),
            urls: Vec::new(),
            grace_seconds: 0,
        };
        follow(vec![(Arc::clone(&book), settings)], &live, &clock, &reloads).await.unwrap();
        Self { root, folder, book, reloads, _live: live }
    }

    fn list(&self, number: u64) -> Vec<u8> {
        self.root.revocation_list(&RevocationDraft::fresh(number, &[])).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    async fn look(&self) -> Outcome {
        let outcomes = self.reloads.reload_all().await;
        assert_eq!((outcomes.len(), outcomes[0].0), (1, ITEM));
        outcomes[0].1
    }

    fn lists(&self) -> usize {
        self.book.health(SystemClock.now()).lists
    }
}

#[tokio::test]
async fn each_place_counts_by_itself_and_a_bad_one_keeps_what_was_in_force() {
    let followed = Followed::start(b"no list").await;
    assert_eq!((followed.look().await, followed.lists()), (Outcome::Refused, 0));
    followed.write("two", &followed.list(1));
    assert_eq!(
        (followed.look().await, followed.lists()),
        (Outcome::Refused, 1),
        "the other place is still bad"
    );
    followed.write("one", &fs::read(followed.folder.path().join("two")).unwrap());
    assert_ne!(followed.look().await, Outcome::Refused);
    assert_eq!(followed.look().await, Outcome::Unchanged);
    // XC11: a place that is empty, gone or far too long.
    followed.write("one", b"");
    assert_eq!((followed.look().await, followed.lists()), (Outcome::Refused, 1));
    let before = followed.book.refused()["unread"];
    fs::remove_file(followed.folder.path().join("one")).unwrap();
    assert_eq!((followed.look().await, followed.lists()), (Outcome::Refused, 1));
    File::create(followed.folder.path().join("one")).unwrap().set_len(200 << 20).unwrap();
    assert_eq!((followed.look().await, followed.lists()), (Outcome::Refused, 1), "xc11");
    assert_eq!(followed.book.refused()["unread"], before + 2, "missing and too long");
    followed.write("one", &followed.list(2));
    assert_ne!(followed.look().await, Outcome::Refused, "a place that lags behind is no fault");
    followed.write("two", &followed.list(1));
    assert_eq!(followed.look().await, Outcome::Refused, "xc10");
}

#[test]
fn lists_are_found_in_pem_and_in_der() {
    let root = Authority::new().unwrap();
    let draft = RevocationDraft::fresh(1, &[]);
    let (der, pem) = (root.revocation_list(&draft).unwrap(), root.revocation_list_pem(&draft).unwrap());
    assert_eq!(lists_in(&der), Some(vec![der.clone()]));
    assert_eq!(lists_in(pem.as_bytes()).map(|lists| lists.len()), Some(1));
    assert_eq!(lists_in(["\n", &pem, "\n", &pem].concat().as_bytes()).map(|lists| lists.len()), Some(2));
    assert_eq!(lists_in(&pem.as_bytes()[..pem.len() / 2]), None);
    assert_eq!(lists_in(b""), None);
}
