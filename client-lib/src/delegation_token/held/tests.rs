//! Files that change in every way there is, under a client that uses them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::delegation_token::testing::{DAY, JobFolder, SERVICE, storage, token_of, write};

/// Lets the next look be due.
async fn later() {
    tokio::time::advance(SPACING).await;
}

/// What is sent now, after a look when one is due.
async fn sent(held: &Held) -> String {
    held.ready().await.unwrap();
    held.header().to_str().unwrap().strip_prefix("Lakegate-DT ").unwrap().to_owned()
}

fn end(error: &ClientError) -> TokenEnd {
    let ClientError::DelegationToken { end, .. } = error else { panic!("{error:?}") };
    *end
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_written_renamed_or_swapped_by_a_link_is_read_again() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    assert_eq!(sent(&held).await, job.token(2));
    later().await;
    job.write(job.token(3) + "\n");
    assert_eq!(sent(&held).await, job.token(3), "written");
    later().await;
    job.replace(storage(&[(SERVICE, &job.token(4))]));
    let in_storage = sent(&held).await;
    assert_eq!(held.now.load().told.as_ref().unwrap().max, job.issued.plus(DAY * 4), "renamed");
    later().await;
    let (one, other) = (job.folder.path().join("..1"), job.folder.path().join("..2"));
    for (folder, days) in [(&one, 5), (&other, 6)] {
        fs::create_dir(folder).unwrap();
        write(&folder.join("job.token"), job.token(days));
    }
    let (link, fresh) = (job.folder.path().join("..data"), job.folder.path().join("..data_tmp"));
    symlink(&one, &link).unwrap();
    fs::remove_file(job.path()).unwrap();
    symlink(link.join("job.token"), job.path()).unwrap();
    assert_eq!(sent(&held).await, job.token(5), "a link in its place");
    later().await;
    symlink(&other, &fresh).unwrap();
    fs::rename(&fresh, &link).unwrap();
    assert_eq!(sent(&held).await, job.token(6), "swapped as mounted secrets are");
    assert_ne!(in_storage, job.token(5));
}

#[tokio::test(start_paused = true)]
async fn a_look_is_due_once_a_second_and_reads_a_file_only_that_changed() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    sent(&held).await;
    job.replace(job.token(3));
    assert_eq!(sent(&held).await, job.token(2), "looked at less than a second ago");
    later().await;
    assert_eq!(sent(&held).await, job.token(3));
    // A file at rest is known by its stamp; one that changed a moment ago is not trusted to show it.
    let now = job.clock.now();
    let later = now.plus(Duration::from_hours(1));
    let Looked::Holds(_, None) = look::look(&job.path(), &[], None, now) else { panic!("settled at once") };
    let Looked::Holds(_, stamp @ Some(_)) = look::look(&job.path(), &[], None, later) else { panic!() };
    assert!(matches!(look::look(&job.path(), &[], stamp, later), Looked::Same));
    job.replace(job.token(4));
    assert!(matches!(look::look(&job.path(), &[], stamp, later), Looked::Holds(..)));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_leaves_size_and_second_as_they_were_is_seen() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    for days in 3..40 {
        job.write(job.token(days));
        later().await;
        assert_eq!(sent(&held).await, job.token(days));
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_half_written_bad_or_gone_keeps_the_token_in_use() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    let (text, whole) = (job.token(3), storage(&[(SERVICE, &job.token(3))]));
    let halves = [&text.as_bytes()[..60], &whole[..whole.len() - 1], &whole[..4], b"", b"a b", b"HDTS\x07"];
    for half in halves {
        job.write(half);
        later().await;
        assert_eq!(sent(&held).await, job.token(2), "{half:?}");
    }
    job.write(storage(&[]));
    later().await;
    assert_eq!(sent(&held).await, job.token(2), "no token in it");
    job.write(job.token(3));
    fs::set_permissions(job.path(), fs::Permissions::from_mode(0o644)).unwrap();
    later().await;
    assert_eq!(sent(&held).await, job.token(2), "cl10: others can read it");
    fs::remove_file(job.path()).unwrap();
    later().await;
    assert_eq!(sent(&held).await, job.token(2), "gone");
    job.write(job.token(4));
    later().await;
    assert_eq!(sent(&held).await, job.token(4), "and whole again");
}

#[tokio::test(start_paused = true)]
async fn cl06_a_token_of_another_owner_or_cluster_does_not_take_the_place_of_the_first() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    for (owner, cluster) in [("bob", "lake"), ("alice", "other")] {
        job.replace(token_of(owner, cluster, (job.issued, 5)));
        later().await;
        assert_eq!(sent(&held).await, job.token(2), "{owner} in {cluster}");
    }
    let fault = held.take(Presented::of(parsed(&token_of("bob", "lake", (job.issued, 5)))).unwrap());
    assert!(matches!(fault, Err(ConfigFault::TokenOfAnother)));
}

fn parsed(text: &str) -> DelegationToken {
    DelegationToken::parse(text.to_owned()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn cl04_a_token_past_its_max_date_is_not_presented_unless_its_file_has_another() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    job.clock.set(job.issued.plus(DAY * 2).minus(Duration::from_millis(1)));
    held.ready().await.unwrap();
    job.clock.set(job.issued.plus(DAY * 2));
    let ended = held.ready().await.unwrap_err();
    assert_eq!(end(&ended), TokenEnd::Expired(job.issued.plus(DAY * 2)));
    assert!(ended.refusal().is_none() && ended.to_string().contains("max date"), "{ended}");
    job.replace(job.token(3));
    assert_eq!(sent(&held).await, job.token(3), "at once, however short ago it was looked at");
    let fixed = DelegationTokenSource::Token(parsed(&job.token(1)));
    let fixed = Held::open(fixed, vec![], Arc::clone(&job.clock) as _).unwrap();
    assert_eq!(end(&fixed.ready().await.unwrap_err()), TokenEnd::Expired(job.issued.plus(DAY)));
}

#[tokio::test(start_paused = true)]
async fn cl04_a_refusal_is_told_with_what_the_tokens_dates_say_of_it() {
    let job = JobFolder::new();
    job.write(job.token(2));
    let held = job.open().unwrap();
    let presented = held.ready().await.unwrap();
    let refused = || held.refused(&presented, Refusal { reason: Some("UNAUTHENTICATED"), audit_id: None });
    assert_eq!(end(&refused()), TokenEnd::Refused);
    job.clock.advance(DAY);
    assert_eq!(end(&refused()), TokenEnd::NotRenewed(job.issued.plus(DAY)));
    job.clock.advance(DAY);
    assert_eq!(end(&refused()), TokenEnd::Expired(job.issued.plus(DAY * 2)));
    assert!(refused().to_string().contains("(UNAUTHENTICATED)"), "{}", refused());
    assert_eq!(refused().refusal().unwrap().reason, Some("UNAUTHENTICATED"));
}

#[test]
fn lg01_what_is_held_prints_without_the_token() {
    let job = JobFolder::new();
    job.write(storage(&[(SERVICE, &job.token(2))]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let shown = runtime.block_on(async { format!("{:?}", job.open().unwrap()) });
    assert!(!shown.contains("Lakegate-DT") && !shown.contains(&job.token(2)[..20]), "{shown}");
}
