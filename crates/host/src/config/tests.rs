//! Layers, and the places that errors name.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;

use serde::Deserialize;
use tempfile::NamedTempFile;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    listen: String,
    #[serde(default)]
    workers: u16,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    tls: Tls,
    #[serde(default)]
    stores: Vec<Store>,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tls {
    key: String,
    strict: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    port: u16,
}

const FILE: &str = "listen = \"a:1\"\nworkers = 4\n\n[tls]\nkey = \"k\"\n\n[[stores]]\nport = 1\n";

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn environment(variables: &[(&str, &str)]) -> Vec<Setting> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    layer::from_environment("LAKEGATE_BROKER", variables).unwrap()
}

fn flag(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Loads a text and returns what is wrong with it, the file's name cut off.
fn problem(text: &str, variables: &[(&str, &str)], flags: &[(String, String)]) -> String {
    let file = file(text);
    let error = load_with::<Config>(Some(file.path()), environment(variables), flags).unwrap_err();
    error.to_string().replace(&file.path().display().to_string(), "FILE")
}

#[test]
fn flags_lie_over_the_environment_and_the_environment_over_the_file() {
    let file = file(FILE);
    let variables = environment(&[
        ("LAKEGATE_BROKER__LISTEN", "[::1]:8443"),
        ("LAKEGATE_BROKER__WORKERS", "8"),
        ("LAKEGATE_BROKER__TLS__STRICT", "true"),
        ("LAKEGATE_BROKER__NAMES", r#"["a", "b"]"#),
        ("LAKEGATE_BROKER_SERVICE_HOST", "10.0.0.1"),
        ("LAKEGATE_BROKER", "x"),
        ("OTHER__LISTEN", "x"),
    ]);
    let flags = [flag("workers", "15"), flag("workers", "16"), flag("tls.key", "\"1\"")];
    let (config, places): (Config, _) = load_with(Some(file.path()), variables, &flags).unwrap();
    let expected = Config {
        listen: "[::1]:8443".to_owned(),
        workers: 16,
        names: vec!["a".to_owned(), "b".to_owned()],
        tls: Tls { key: "1".to_owned(), strict: true },
        stores: vec![Store { port: 1 }],
    };
    assert_eq!(config, expected);
    let name = file.path().display().to_string();
    assert_eq!(places.of("listen"), "LAKEGATE_BROKER__LISTEN: listen");
    assert_eq!(places.of("workers"), "flag workers: workers");
    assert_eq!(places.of("stores[0].port"), format!("{name}:8: stores[0].port"));
    assert_eq!(places.of("stores[0].other"), format!("{name}:7: stores[0].other"));
    assert_eq!(places.of("elsewhere"), format!("{name}: elsewhere"));
}

#[test]
fn a_file_is_not_needed() {
    let config: Config = load(None, "LAKEGATE_NOBODY_SETS_THIS", &[flag("listen", "2026-01-01")]).unwrap();
    assert_eq!((config.listen.as_str(), config.workers), ("2026-01-01", 0));
    let error = load::<Config>(None, "", &[]).unwrap_err().to_string();
    assert_eq!(error, "configuration: missing field `listen`");
}

#[test]
fn px04_an_unknown_key_stops_the_start_wherever_it_stands() {
    let expected = "unknown field `kye`, expected `key` or `strict`";
    assert_eq!(problem(&FILE.replace("key", "kye"), &[], &[]), format!("FILE:5: tls.kye: {expected}"));
    let variable = [("LAKEGATE_BROKER__TLS__KYE", "x")];
    assert_eq!(problem(FILE, &variable, &[]), format!("LAKEGATE_BROKER__TLS__KYE: {expected}"));
    assert_eq!(problem(FILE, &[], &[flag("tls.kye", "x")]), format!("flag tls.kye: {expected}"));
}

#[test]
fn a_wrong_value_is_named_by_place_and_never_shown() {
    let wrong = "wrong type or value, expected u16";
    assert_eq!(problem(&FILE.replace('4', "\"hunter2\""), &[], &[]), format!("FILE:2: workers: {wrong}"));
    assert_eq!(
        problem(&FILE.replace("= 1", "= 65536"), &[], &[]),
        format!("FILE:8: stores[0].port: {wrong}")
    );
    let variable = [("LAKEGATE_BROKER__WORKERS", "hunter2, expected")];
    assert_eq!(problem(FILE, &variable, &[]), format!("LAKEGATE_BROKER__WORKERS: {wrong}"));
    assert_eq!(problem(FILE, &[], &[flag("workers", "-1")]), format!("flag workers: {wrong}"));
}

#[test]
fn what_is_missing_is_named_by_the_table_that_lacks_it() {
    assert_eq!(problem(&FILE.replace("port = 1\n", ""), &[], &[]), "FILE:7: stores[0]: missing field `port`");
}

#[test]
fn text_that_is_no_toml_is_named_by_line() {
    let text = FILE.replace("key = \"k\"", "key = hunter2");
    let problem_text = problem(&text, &[], &[]);
    assert!(problem_text.starts_with("FILE:5: "), "{problem_text}");
    assert!(!problem_text.contains("hunter2"));
    let twice = problem(&FILE.replace("workers = 4", "listen = \"b\""), &[], &[]);
    assert!(twice.starts_with("FILE:2: ") && twice.contains("duplicate key"), "{twice}");
}

#[test]
fn keys_that_lead_nowhere_are_refused() {
    let table = "flag listen.port: key goes through a value that is no table";
    assert_eq!(problem(FILE, &[], &[flag("listen.port", "1")]), table);
    assert_eq!(problem(FILE, &[], &[flag("tls..key", "1")]), "flag tls..key: key holds an empty part");
    assert_eq!(problem(FILE, &[], &[flag("", "1")]), "flag : key holds an empty part");
    let variable = [("LAKEGATE_BROKER__", "1")];
    assert_eq!(problem(FILE, &variable, &[]), "LAKEGATE_BROKER__: key holds an empty part");
}

#[test]
fn variables_that_are_not_text_are_refused_only_if_they_are_ours() {
    let binary = OsString::from_vec(vec![0xff]);
    let other = [(OsString::from("OTHER"), binary.clone()), (binary.clone(), binary.clone())];
    assert_eq!(layer::from_environment("P", other.into_iter()).unwrap(), []);
    let ours = [(OsString::from("P__KEY"), binary)];
    let error = layer::from_environment("P", ours.into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "P__KEY: value is not UTF-8");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = load::<Config>(Some(Path::new("/nowhere/broker.toml")), "", &[]).unwrap_err();
    assert_eq!(error.to_string(), "configuration file /nowhere/broker.toml cannot be read");
    let long = file(&"#".repeat(5 << 20));
    let error = load::<Config>(Some(long.path()), "", &[]).unwrap_err().to_string();
    assert!(error.ends_with("file is longer than 4194304 bytes"), "{error}");
}

#[test]
fn arguments_are_keys_and_values() {
    let taken = |texts: &[&str]| arguments(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(taken(&["a=1", "b.c=", "d==2"]).unwrap(), [pair("a", "1"), pair("b.c", ""), pair("d", "=2")]);
    for bad in ["", "=", "=secret", "secret"] {
        let said = taken(&["a=1", bad]).unwrap_err().to_string();
        assert_eq!(said, "argument 2 of --set: not KEY=VALUE", "{bad}");
    }
}
