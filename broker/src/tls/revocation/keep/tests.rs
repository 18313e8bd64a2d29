//! What is remembered, by whom, and what a folder that is bad does.

use lakegate_domain::{Clock, SystemClock};
use lakegate_testkit::{Authority, RevocationDraft};
use tempfile::TempDir;

use super::*;
use crate::tls::authority::{AuthorityFiles, Issuers};
use crate::tls::revocation::{ListFault, Revocation};

/// A broker's book of one root, and its keeper.
struct Kept {
    book: Arc<RevocationBook>,
    keeper: Arc<Keeper>,
}

impl Kept {
    fn start(root: &Authority, folder: &TempDir) -> Self {
        let book = Arc::new(RevocationBook::new(AuthorityName::default_name(), Duration::ZERO));
        book.know(&Arc::new(Issuers::sort(&[root.certificate()]).unwrap()), SystemClock.now());
        let keeper = Keeper::new(&book, folder.path().to_owned(), Duration::from_secs(30));
        Self { book, keeper }
    }

    fn remember(&self) -> Offered {
        let ders = read(&self.keeper.folder, self.book.authority()).unwrap();
        self.keeper.offer(&ders, SystemClock.now())
    }

    /// A list with a higher number is of a later minute, whenever it is made.
    async fn take(&self, root: &Authority, number: u32) -> Result<(), ListFault> {
        let fresh = RevocationDraft::fresh(number.into(), &[]);
        let this_update = fresh.this_update.minus(Duration::from_mins(1) * (60 - number));
        let list = root.revocation_list(&RevocationDraft { this_update, ..fresh }).unwrap();
        let offered = self.book.offer(1, &[list], SystemClock.now());
        Arc::clone(&self.keeper).keep().await;
        offered.faults.first().map_or(Ok(()), |fault| Err(*fault))
    }
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn xc10_what_was_in_force_is_remembered_and_older_lists_are_refused() {
    let (root, folder) = (Authority::new().unwrap(), TempDir::new().unwrap());
    let before = Kept::start(&root, &folder);
    for number in [7, 8, 9] {
        before.take(&root, number).await.unwrap();
        assert_eq!(names(&folder).len(), 1, "one file for each list in force: {:?}", names(&folder));
    }
    let kept = names(&folder);
    let after = Kept::start(&root, &folder);
    assert!(after.remember().is_new);
    assert_eq!(after.take(&root, 8).await, Err(ListFault::Older));
    assert_eq!(after.book.refused(), [("older", 1)].into(), "the alarm");
    assert_eq!(names(&folder), kept);
    after.take(&root, 10).await.unwrap();
    assert_eq!(names(&folder).len(), 1);
    assert_ne!(names(&folder), kept);
}

#[tokio::test]
async fn brokers_that_share_a_folder_learn_from_one_another_and_the_newest_list_is_never_lost() {
    let (root, folder) = (Authority::new().unwrap(), TempDir::new().unwrap());
    let (ahead, behind) = (Kept::start(&root, &folder), Kept::start(&root, &folder));
    ahead.take(&root, 9).await.unwrap();
    behind.take(&root, 7).await.unwrap();
    assert_eq!(names(&folder).len(), 2, "neither writes over the other's");
    assert!(behind.remember().is_new);
    assert_eq!(behind.take(&root, 8).await, Err(ListFault::Older));
    assert_eq!(names(&folder).len(), 1, "and what it was behind with is cleared away");
    let offered = ahead.remember();
    assert!(!offered.is_new && offered.faults.is_empty());
    // Both are there, as if a broker had ended between writing and clearing.
    for number in [3_u32, 4, 5, 6] {
        let fresh = RevocationDraft::fresh(number.into(), &[]);
        let this_update = fresh.this_update.minus(Duration::from_hours(24) * (10 - number));
        let der = root.revocation_list(&RevocationDraft { this_update, ..fresh }).unwrap();
        write(&folder.path().join(format!("default.{}.crl", ListId::of(&der))), &der).unwrap();
    }
    let fresh = Kept::start(&root, &folder);
    assert!(fresh.remember().is_new);
    Arc::clone(&fresh.keeper).keep().await;
    assert_eq!(names(&folder).len(), 1);
    assert_eq!(fresh.take(&root, 8).await, Err(ListFault::Older));
    assert_eq!(fresh.book.refused(), [("older", 1)].into(), "what the folder holds besides is no fault");
}

#[tokio::test]
async fn a_folder_that_is_bad_is_told_and_lists_come_into_force_all_the_same() {
    let (root, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    let folder = TempDir::new().unwrap();
    let by_stranger = stranger.revocation_list(&RevocationDraft::fresh(99, &[])).unwrap();
    for (name, bytes) in
        [("default.a.crl", b"half".to_vec()), ("default.b.crl", by_stranger), ("other.c.crl", b"x".to_vec())]
    {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let kept = Kept::start(&root, &folder);
    assert_eq!(
        kept.remember().faults,
        [ListFault::Malformed],
        "a list of somebody else's is not in force either"
    );
    assert_eq!(kept.book.health(SystemClock.now()).lists, 0);
    kept.take(&root, 1).await.unwrap();
    assert_eq!(names(&folder).len(), 4);
    // A folder that is gone; what is to be kept waits for it.
    let gone = folder.path().join("gone");
    let keeper = Keeper::new(&kept.book, gone.clone(), Duration::from_secs(30));
    assert!(read(&gone, kept.book.authority()).is_err());
    let list = root.revocation_list(&RevocationDraft::fresh(2, &[])).unwrap();
    assert!(kept.book.offer(1, &[list], SystemClock.now()).is_new);
    assert_eq!(Arc::clone(&keeper).keep().await, Outcome::Refused);
    fs::create_dir(&gone).unwrap();
    assert_ne!(Arc::clone(&keeper).keep().await, Outcome::Refused);
    assert_eq!(read(&gone, kept.book.authority()).unwrap().len(), 1);
}

#[test]
fn a_change_of_certificates_takes_a_kept_list_that_waited_for_its_issuer() {
    let (root, folder) = (Authority::new().unwrap(), TempDir::new().unwrap());
    let der = root.revocation_list(&RevocationDraft::fresh(4, &[])).unwrap();
    write(&folder.path().join("default.x.crl"), &der).unwrap();
    let other = Authority::new().unwrap();
    let kept = Kept::start(&other, &folder);
    assert!(!kept.remember().is_new);
    let files = AuthorityFiles {
        name: AuthorityName::default_name(),
        certificates: vec![other.certificate(), root.certificate()],
        revocation: Revocation::Unchecked,
    };
    kept.book.know(&Arc::new(Issuers::sort(&files.certificates).unwrap()), SystemClock.now());
    let older = root.revocation_list(&RevocationDraft::fresh(3, &[])).unwrap();
    assert_eq!(kept.book.offer(1, &[older], SystemClock.now()).faults, [ListFault::Older]);
}
