//! A directory service that answers, fails and hangs on demand.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex};

use super::super::queue::SHARE;
use super::super::{Believable, Canary};
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
    KnowsNobody,
}

impl SystemGroups for Directory {
    fn groups_of(&self, user: &str) -> io::Result<Option<Vec<String>>> {
        *self.asked.lock().unwrap() += 1;
        let mood = self.woken.wait_while(self.mood.lock().unwrap(), |mood| *mood == Mood::Hangs).unwrap();
        match *mood {
            Mood::Fails => Err(io::ErrorKind::TimedOut.into()),
            // What a machine says whose directory is stopped.
            Mood::KnowsNobody => Ok(None),
            _ => Ok(self.users.lock().unwrap().get(user).cloned()),
        }
    }
}

fn name_of(text: &str) -> Principal {
    Principal::parse(text).unwrap()
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
        let groups = self.cached.of(&name_of(name), &name_of("asker")).await?;
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
async fn px07_whom_the_system_never_knew_is_in_no_group() {
    let world = World::new();
    assert_eq!(world.of("nobody").await.unwrap(), "");
    pass(2 * BOUNDS.refresh).await;
    assert_eq!(world.of("nobody").await.unwrap(), "");
    assert_eq!(world.cached.lookups().by_outcome()[1], ("failed", 0));
    world.put("nobody", &["ops"]);
    pass(2 * BOUNDS.refresh).await;
    assert_eq!(world.of("nobody").await.unwrap(), "ops", "who comes is known as soon as a change is");
}

#[tokio::test(start_paused = true)]
async fn ps07_px07_a_user_that_was_known_does_not_lose_groups_by_being_unknown() {
    let world = World::new();
    assert_eq!(world.of("alice").await.unwrap(), "analysts");
    world.is(Mood::KnowsNobody);
    for _ in 0..4 {
        pass(2 * BOUNDS.refresh).await;
        assert_eq!(
            world.of("alice").await.unwrap(),
            "analysts",
            "a directory that is stopped says so of all"
        );
    }
    let failed = world.cached.lookups().by_outcome()[1].1;
    assert!(failed >= 3, "{failed}");
    pass(BOUNDS.max_stale).await;
    assert_eq!(world.of("alice").await.unwrap(), "", "beyond the bound it is believed");
}

#[tokio::test(start_paused = true)]
async fn ps07_px07_a_source_that_does_not_know_its_canary_has_not_answered() {
    let mut world = World::new();
    world.put("canary", &["wells", "aviary"]);
    let canary = |group: &str| Canary { user: "canary".to_owned(), group: group.to_owned() };
    let believed =
        |canaries| CachedGroups::new(Arc::new(Believable::new(world.directory.clone(), canaries)), BOUNDS);
    let (good, elsewhere) =
        (believed(vec![canary("aviary"), canary("wells")]), believed(vec![canary("aviary"), canary("sea")]));
    world.cached = good;
    assert_eq!(world.of("nobody").await.unwrap(), "", "believed, as the canary is there");
    world.is(Mood::KnowsNobody);
    assert_eq!(world.of("bob").await, Err(GroupsUnknown), "nobody knows, though no error is told");
    world.is(Mood::Answers);
    pass(REST).await;
    assert_eq!(world.of("bob").await.unwrap(), "");
    world.cached = elsewhere;
    assert_eq!(world.of("alice").await, Err(GroupsUnknown), "one of several sources is out");
}

#[tokio::test(start_paused = true)]
async fn no_answer_serves_for_longer_than_the_bound_however_seldom_it_is_renewed() {
    let mut world = World::new();
    let bounds = SystemBounds { refresh: BOUNDS.max_stale, ..BOUNDS };
    world.cached = CachedGroups::new(world.directory.clone(), bounds);
    assert_eq!(world.of("alice").await.unwrap(), "analysts");
    world.is(Mood::Fails);
    pass(bounds.max_stale).await;
    assert_eq!(world.of("alice").await, Err(GroupsUnknown));
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
async fn a_flood_of_names_leaves_few_waiting_and_room_for_others() {
    let bounds = SystemBounds { patience: Duration::from_millis(200), ..BOUNDS };
    let mut world = World::new();
    world.cached = CachedGroups::new(world.directory.clone(), bounds);
    world.is(Mood::Hangs);
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let flood = async |asker: &str| {
        for number in 0..2_000 {
            let (user, asker) = (name_of(&format!("{asker}-{number}")), name_of(asker));
            // Whoever asks goes away at once.
            let gone = std::future::ready(Err(GroupsUnknown));
            let _answer = tokio::select! {
                biased;
                answer = world.cached.of(&user, &asker) => answer,
                gone = gone => gone,
            };
        }
    };
    flood("knox").await;
    let waiting = || tokio::runtime::Handle::current().metrics().num_alive_tasks() - before;
    assert!(waiting() <= SHARE + SEATS, "{} look-ups wait for one proxy", waiting());
    assert_eq!(world.asked(), 0, "the flood was one turn of this thread");
    assert!(world.cached.lookups().by_outcome()[3].1 >= 1_900);
    flood("livy").await;
    assert!((SHARE..=2 * SHARE + SEATS).contains(&waiting()), "another has a share of its own");
    let given_up = async {
        while waiting() > SEATS {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), given_up).await.unwrap();
    world.is(Mood::Answers);
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
