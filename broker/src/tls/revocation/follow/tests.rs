//! Places that are good, gone, too long and good again.

use std::fs::{self, File};

use lakegate_domain::SystemClock;
use lakegate_testkit::{Authority, Issued, RevocationDraft};
use prometheus::Registry;
use tempfile::TempDir;

use super::super::list::ListFault;
use super::super::source::{lists_in, said_once};
use super::*;
use crate::tls::{AuthorityFiles, AuthorityName, ClientCertificates, Revocation, TlsFiles, TlsVersions};

/// How long a file is waited for that hangs; the disk is shared with other tests.
const SHORT: Duration = Duration::from_secs(2);

/// Two places of one authority with one root.
struct Two {
    root: Authority,
    folder: TempDir,
    book: Arc<RevocationBook>,
    reloads: Reloads,
    _live: Arc<LiveTls>,
}

impl Two {
    async fn start(first: &[u8]) -> Self {
        Self::start_within(Duration::from_secs(30), first).await
    }

    async fn start_within(patience: Duration, first: &[u8]) -> Self {
        let (root, folder) = (Authority::new().unwrap(), TempDir::new().unwrap());
        fs::write(folder.path().join("one"), first).unwrap();
        fs::create_dir(folder.path().join("kept")).unwrap();
        Self::follow(root, folder, patience).await
    }

    /// The same places, followed by a process that was started again.
    async fn again(self) -> Self {
        Self::follow(self.root, self.folder, Duration::from_secs(30)).await
    }

    async fn follow(root: Authority, folder: TempDir, patience: Duration) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
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
        let keep = Some(folder.path().join("kept"));
        let places = Places { lists: vec![(Arc::clone(&book), settings)], keep };
        follow_within(patience, places, (&live, &clock), &reloads).await.unwrap();
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

    /// The names of the files that are kept.
    fn kept(&self) -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(self.folder.path().join("kept")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    fn lists(&self) -> usize {
        self.book.health(SystemClock.now()).lists
    }
}

#[tokio::test]
async fn each_place_counts_by_itself_and_a_bad_one_keeps_what_was_in_force() {
    let followed = Two::start(b"no list").await;
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

/// A pipe in the place of a file. It must be gone before the test ends, or its reader's thread would not.
struct Pipe(PathBuf);

impl Pipe {
    fn make(path: PathBuf) -> Self {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Self(path)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        use rustix::fs::{Mode, OFlags, open};
        // The reader sees a writer who has nothing to say.
        let _writer = open(&self.0, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
        let _gone = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_place_that_hangs_is_told_and_holds_up_no_other() {
    let two = Two::start_within(SHORT, b"no list").await;
    two.write("two", &two.list(1));
    fs::remove_file(two.folder.path().join("one")).unwrap();
    // A pipe that nobody writes to holds whoever opens it.
    let pipe = two.folder.path().join("one");
    let pipe = Pipe::make(pipe);
    assert_eq!((two.look().await, two.lists()), (Outcome::Refused, 1), "the other place is read");
    let unread = two.book.refused()["unread"];
    two.write("two", &two.root.revocation_list(&RevocationDraft::fresh(2, &[&[7]])).unwrap());
    assert_eq!(two.look().await, Outcome::Refused);
    assert_eq!(two.book.refused()["unread"], unread + 1);
    assert_eq!(two.kept().len(), 1, "and what came into force is kept");
    // Whoever reads is let go, and the place is good again.
    drop(pipe);
    let good = async {
        while two.look().await == Outcome::Refused {
            tokio::task::yield_now().await;
        }
    };
    two.write("one", &fs::read(two.folder.path().join("two")).unwrap());
    tokio::time::timeout(Duration::from_secs(30), good).await.unwrap();
}

#[tokio::test]
async fn xc10_what_was_kept_is_looked_at_before_any_other_place() {
    let two = Two::start(b"no list").await;
    two.write("one", &two.list(8));
    two.look().await;
    assert_eq!((two.lists(), two.kept().len()), (1, 1));
    two.write("one", &two.list(7));
    let again = two.again().await;
    assert_eq!(again.lists(), 1);
    assert_eq!(again.book.refused().get("older"), Some(&1), "the older list is an alarm at the first look");
}

#[tokio::test]
async fn xc11_a_place_with_more_lists_than_any_authority_has_is_refused_in_one_short_line() {
    let two = Two::start(b"no list").await;
    let pem = two.root.revocation_list_pem(&RevocationDraft::fresh(1, &[])).unwrap();
    two.write("two", pem.repeat(65).as_bytes());
    let refused = two.book.refused();
    assert_eq!((two.look().await, two.lists()), (Outcome::Refused, 0));
    assert_eq!(two.book.refused()["too_many"], refused.get("too_many").unwrap_or(&0) + 1);
    two.write("two", pem.repeat(64).as_bytes());
    assert_eq!((two.look().await, two.lists()), (Outcome::Refused, 1), "the other place is bad");
    assert_eq!(two.book.refused()["too_many"], 1);
    let many = [ListFault::Signature; 64];
    assert_eq!(said_once(&many), ListFault::Signature.to_string());
}

#[test]
fn lists_are_found_in_pem_and_in_der() {
    let root = Authority::new().unwrap();
    let draft = RevocationDraft::fresh(1, &[]);
    let (der, pem) = (root.revocation_list(&draft).unwrap(), root.revocation_list_pem(&draft).unwrap());
    assert_eq!(lists_in(&der), Ok(vec![der.clone()]));
    assert_eq!(lists_in(pem.as_bytes()).map(|lists| lists.len()), Ok(1));
    assert_eq!(lists_in(["\n", &pem, "\n", &pem].concat().as_bytes()).map(|lists| lists.len()), Ok(2));
    assert_eq!(lists_in(&pem.as_bytes()[..pem.len() / 2]), Err(ListFault::Malformed));
    assert_eq!(lists_in(b""), Err(ListFault::Malformed));
}
