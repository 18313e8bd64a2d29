//! A directory service that answers, fails and hangs on demand.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex};

use super::*;

const BOUNDS: SystemBounds = SystemBounds {
    refresh: Duration::from_secs(30),
    max_stale: Duration::from_mins(10),
    patience: Duration::from_secs(2),
};

#[derive(Debug, Default)]
struct Directory {
    users: Mutex<HashMap<String, Vec<String>>>,
    mood: Mutex<Mood>,
    woken: Condvar,
    asked: Mutex<usize>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mood {
    #[default]
    Answers,
    Fails,
    Hangs,
}

impl SystemGroups for Directory {
    fn groups_of(&self, user: &str) -> io::Result<Vec<String>> {
        *self.asked.lock().unwrap() += 1;
        let mood = self.woken.wait_while(self.mood.lock().unwrap(), |mood| *mood == Mood::Hangs).unwrap();
        match *mood {
            Mood::Fails => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(self.users.lock().unwrap().get(user).cloned().unwrap_or_default()),
        }
    }
}

struct World {
    directory: Arc<Directory>,
    cached: CachedGroups,
}

impl World {
    fn new() -> Self {
        let directory = Arc::new(Directory::default());
        let cached = CachedGroups::new(directory.clone(), BOUNDS);
        let world = Self { directory, cached };
        world.put("alice", &["analysts", "domain users"]);
        world
    }

    fn put(&self, user: &str, groups: &[&str]) {
        let groups = groups.iter().map(ToString::to_string).collect();
        self.directory.users.lock().unwrap().insert(user.to_owned(), groups);
    }

    fn is(&self, mood: Mood) {
        *self.directory.mood.lock().unwrap() = mood;
        self.directory.woken.notify_all();
    }

    fn asked(&self) -> usize {
        *self.directory.asked.lock().unwrap()
    }

    async fn of(&self, name: &str) -> Result<String, GroupsUnknown> {
        let groups = self.cached.of(&Principal::parse(name).unwrap()).await?;
        Ok(groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(","))
    }

    /// Lets look-ups that run behind answers end.
    async fn settled(&self, name: &str) {
        let entry = self.cached.entries.get(&Principal::parse(name).unwrap()).unwrap();
        entry.subscribe().wait_for(|state| state.asking.is_none()).await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.is(Mood::Answers);
    }
}

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_remembered_renewed_behind_the_answer_and_then_waited_for() {
    let world = World::new();
    assert_eq!(world.of("alice").await.unwrap(), "analysts", "what is no name here is left out");
    pass(BOUNDS.refresh.checked_sub(Duration::from_secs(1)).unwrap()).await;
    world.put("alice", &["ops"]);
    assert_eq!(world.of("alice").await.unwrap(), "analysts");
    assert_eq!(world.asked(), 1);
    pass(Duration::from_secs(2)).await;
    assert_eq!(world.of("alice").await.unwrap(), "analysts", "nobody waits");
    world.settled("alice").await;
    assert_eq!(world.of("alice").await.unwrap(), "ops");
    world.put("alice", &["hr"]);
    pass(2 * BOUNDS.refresh).await;
    assert_eq!(world.of("alice").await.unwrap(), "hr", "the stated bound");
    assert_eq!(world.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn px07_a_user_unknown_to_the_system_is_in_no_group() {
    let world = World::new();
    assert_eq!(world.of("nobody").await.unwrap(), "");
    assert_eq!(world.cached.lookups().by_outcome()[1], ("failed", 0));
}

#[tokio::test(start_paused = true)]
async fn px07_a_failure_is_unknown_and_the_last_known_serves_for_a_while() {
    let world = World::new();
    world.is(Mood::Fails);
    assert_eq!(world.of("alice").await, Err(GroupsUnknown));
    assert_eq!(world.of("alice").await, Err(GroupsUnknown));
    assert_eq!(world.asked(), 1, "a failure is not asked for again at once");
    world.is(Mood::Answers);
    pass(REST).await;
    assert_eq!(world.of("alice").await.unwrap(), "analysts");
    world.is(Mood::Fails);
    pass(BOUNDS.max_stale.checked_sub(Duration::from_secs(1)).unwrap()).await;
    assert_eq!(world.of("alice").await.unwrap(), "analysts", "the last known");
    pass(Duration::from_secs(2)).await;
    assert_eq!(world.of("alice").await, Err(GroupsUnknown), "beyond the bound");
    assert!(world.cached.lookups().by_outcome()[1].1 >= 2);
}

#[tokio::test]
async fn a_directory_that_hangs_holds_nobody_for_long() {
    let bounds = SystemBounds { patience: Duration::from_millis(50), ..BOUNDS };
    let mut world = World::new();
    world.cached = CachedGroups::new(world.directory.clone(), bounds);
    world.is(Mood::Hangs);
    let begun = Instant::now();
    for number in 0..20 {
        assert_eq!(world.of(&format!("user-{number}")).await, Err(GroupsUnknown));
    }
    for _ in 0..1_000 {
        assert_eq!(world.of("user-0").await, Err(GroupsUnknown), "who knows that it hangs does not wait");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(world.asked() <= SEATS, "few wait for it at the same time");
    world.is(Mood::Answers);
    world.settled("user-0").await;
    assert_eq!(world.of("user-0").await.unwrap(), "");
}

#[tokio::test]
async fn many_who_ask_for_one_are_one_look_up() {
    let world = Arc::new(World::new());
    let all: Vec<_> = (0..50)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.of("alice").await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap().unwrap(), "analysts");
    }
    assert_eq!(world.asked(), 1);
}
