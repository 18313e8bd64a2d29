//! A key that nobody knows stops the start, wherever it stands: a misspelt bound or rule must not mean its default.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;

use lakegate_broker::BrokerConfig;
use lakegate_broker::acting::{FileGroups, Rules};
use lakegate_host::config;

const EXAMPLE: &str = include_str!("../../docs/examples/broker.toml");
const REDIS: &str = include_str!("../../docs/examples/store-redis.toml");
const ACTING: &str = include_str!("../../docs/examples/acting.toml");
const GROUPS: &str = include_str!("../../docs/examples/groups.toml");

/// What the example has no table for.
const MORE: &str = "
[sealing.previous]
id = 2
file = '/x'

[[delegation.keys]]
id = 7
file = '/x'
";

const UNKNOWN: &str = "zzz_unknown";

/// The text with the unknown key in each of its tables in turn, and where.
fn misspelt(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = vec![("the top".to_owned(), format!("{UNKNOWN} = 1\n{text}"))];
    for (number, line) in lines.iter().enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        let with = |line: String| {
            let mut lines = lines.clone();
            lines[number] = &line;
            lines.join("\n")
        };
        if line.starts_with('[') {
            all.push(((*line).to_owned(), with(format!("{line}\n{UNKNOWN} = 1"))));
        } else if line.contains("{ ") && !is_comment {
            all.push(((*line).to_owned(), with(line.replacen("{ ", &format!("{{ {UNKNOWN} = 1, "), 1))));
        }
    }
    all
}

fn load(text: &str) -> Result<BrokerConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broker.toml");
    fs::write(&file, text).unwrap();
    config::load(Some(&file), "", &[]).map_err(|error| lakegate_host::chain(&error))
}

/// The example with the tables that it lacks, and with the other store.
fn examples() -> [String; 2] {
    let (before, after) = EXAMPLE.split_once("[store]").unwrap();
    let after = after.split_once("\n\n").unwrap().1;
    let keys = "keys = [{ id = 1, file = \"/etc/lakegate/delegation.key\" }]\n";
    assert!(EXAMPLE.contains(keys));
    [[&EXAMPLE.replace(keys, ""), MORE].concat(), [before, after, "\n", REDIS].concat()]
}

#[test]
fn px04_an_unknown_key_in_any_table_of_the_configuration_stops_the_start() {
    let mut tables = 0;
    for example in examples() {
        load(&example).unwrap();
        for (place, text) in misspelt(&example) {
            let error = load(&text).err().unwrap_or_else(|| unreachable!("taken in {place}"));
            assert!(error.contains(UNKNOWN), "{place}: {error}");
            tables += 1;
        }
    }
    assert!(tables > 30, "only {tables}");
}

#[test]
fn px04_an_unknown_key_in_a_file_that_is_followed_refuses_it() {
    Rules::parse(ACTING).unwrap();
    for (place, text) in misspelt(ACTING) {
        assert!(Rules::parse(&text).is_err(), "taken in {place}");
    }
    FileGroups::parse(GROUPS).unwrap();
    for (place, text) in misspelt(GROUPS) {
        assert!(FileGroups::parse(&text).is_err(), "taken in {place}");
    }
}
