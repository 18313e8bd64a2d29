//! Changes are heard of, however a file changes, and nothing else is.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

async fn is_told(watch: &FileWatch) {
    timeout(DEADLINE, watch.settled()).await.expect("no word of a change");
    watch.rearm();
}

#[tokio::test]
async fn every_way_to_change_a_file_is_heard_of() {
    let dir = TempDir::new().unwrap();
    let (file, aside) = (dir.path().join("a.txt"), dir.path().join("a.tmp"));
    let watch = FileWatch::new(&Arc::default(), vec![file.clone()]);
    fs::write(&file, "made").unwrap();
    is_told(&watch).await;
    fs::write(&file, "written in place").unwrap();
    is_told(&watch).await;
    fs::write(&aside, "renamed over").unwrap();
    fs::rename(&aside, &file).unwrap();
    is_told(&watch).await;
    fs::remove_file(&file).unwrap();
    is_told(&watch).await;
}

#[tokio::test]
async fn a_config_map_that_swaps_its_link_again_and_again_is_heard_of_each_time() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("..data");
    let swap = |to: &str, text: &str| {
        fs::create_dir(dir.path().join(to)).unwrap();
        fs::write(dir.path().join(to).join("a.txt"), text).unwrap();
        symlink(to, dir.path().join("..data_tmp")).unwrap();
        let before = fs::read_link(&data).ok();
        fs::rename(dir.path().join("..data_tmp"), &data).unwrap();
        if let Some(before) = before {
            fs::remove_dir_all(dir.path().join(before)).unwrap();
        }
    };
    swap("..1", "one");
    symlink("..data/a.txt", dir.path().join("a.txt")).unwrap();
    // From a directory of its own, through a link.
    let apart = TempDir::new().unwrap();
    let file = apart.path().join("own.txt");
    symlink(dir.path().join("a.txt"), &file).unwrap();
    let watch = FileWatch::new(&Arc::default(), vec![file.clone()]);
    for (to, text) in [("..2", "two"), ("..3", "three"), ("..4", "four")] {
        swap(to, text);
        is_told(&watch).await;
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[tokio::test]
async fn a_directory_that_comes_late_or_anew_is_watched() {
    let dir = TempDir::new().unwrap();
    let (folder, file) = (dir.path().join("keys"), dir.path().join("keys/a.txt"));
    let watch = FileWatch::new(&Arc::default(), vec![file.clone()]);
    for text in ["first", "second"] {
        fs::create_dir(&folder).unwrap();
        is_told(&watch).await;
        fs::write(&file, text).unwrap();
        is_told(&watch).await;
        fs::remove_dir_all(&folder).unwrap();
        is_told(&watch).await;
    }
}

#[tokio::test]
async fn neighbours_and_readers_are_not_told_of_and_each_watch_hears_its_own() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["a.txt", "b.txt", "audit.log"] {
        fs::write(path(name), "").unwrap();
    }
    let watcher = Arc::<FileWatcher>::default();
    let a = FileWatch::new(&watcher, vec![path("a.txt")]);
    let b = FileWatch::new(&watcher, vec![path("b.txt")]);
    fs::write(path("audit.log"), "a line").unwrap();
    fs::read(path("a.txt")).unwrap();
    // Events come in order: once b has heard of its own file, those before were given out.
    fs::write(path("b.txt"), "changed").unwrap();
    is_told(&b).await;
    assert!(timeout(Duration::ZERO, a.touched.notified()).await.is_err());
    drop(b);
    assert_eq!(watcher.routes.lock().unwrap().by_number.len(), 1);
    fs::write(path("a.txt"), "changed").unwrap();
    is_told(&a).await;
    drop(a);
    assert!(watcher.armed.lock().unwrap().directories.is_empty());
}
