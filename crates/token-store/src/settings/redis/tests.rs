//! What is refused before anything is sent.

use super::*;
use crate::settings::StoreSettings;

const GOOD: &str = r#"
kind = "redis"
url = "rediss://cache.example:6390"
username = "lakegate"
password_file = "/etc/lakegate/redis.password"
"#;

fn settings(text: &str) -> RedisSettings {
    match toml::from_str(text).unwrap() {
        StoreSettings::Redis(settings) => *settings,
        StoreSettings::Embedded { .. } => panic!("not the kind"),
    }
}

fn refusal(text: &str) -> String {
    match settings(text).terms(password) {
        Err(error @ StoreError::Settings(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a reader of secret files")]
fn password(_: &Path) -> Result<Secret, StoreError> {
    Ok(Secret::new("canary-44d1".to_owned()))
}

#[test]
fn a_server_is_named_by_its_url_and_the_rest_has_defaults() {
    let settings = settings(GOOD);
    assert_eq!((settings.prefix.as_str(), settings.call_millis, settings.insecure), ("lg:", 20, false));
    let terms = settings.terms(password).unwrap();
    assert_eq!((terms.host.as_str(), terms.port), ("cache.example", 6390));
    assert!(terms.tls.is_some());
    assert_eq!(terms.default_user, DefaultUser::MustBeOff);
    let shown = format!("{settings:?} {terms:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn rd11_a_connection_in_the_clear_has_to_be_asked_for() {
    let clear = GOOD.replace("rediss:", "redis:");
    assert!(refusal(&clear).contains("not rediss://"), "{}", refusal(&clear));
    let asked = settings(&(clear + "insecure = true\n")).terms(password).unwrap();
    assert!(asked.tls.is_none());
    assert_eq!(asked.default_user, DefaultUser::MayBeOpen);
}

#[test]
fn rd11_the_default_user_has_to_be_asked_for() {
    let default = GOOD.replace("\"lakegate\"", "\"default\"");
    assert!(refusal(&default).contains("`default`"));
    assert!(settings(&(default + "insecure = true\n")).terms(password).is_ok());
}

#[test]
fn settings_that_say_too_much_or_too_little_are_refused() {
    for (from, to, rule) in [
        ("rediss://", "rediss://me@", "keys of their own"),
        ("rediss://", "rediss://:pw@", "keys of their own"),
        ("6390", "6390/1", "more than a host"),
        ("6390", "6390/?db=1", "more than a host"),
        ("rediss://", "https://", "neither"),
        ("\"lakegate\"", "\"\"", "no name"),
    ] {
        let refusal = refusal(&GOOD.replace(from, to));
        assert!(refusal.contains(rule), "{to}: {refusal}");
        assert!(!refusal.contains("pw"), "{refusal}");
    }
    for (line, rule) in [
        ("client_key = \"/k\"", "only one"),
        ("client_certificate = \"/c\"", "only one"),
        ("call_millis = 0", "no time"),
        ("prefix = \"other:\"", "prefix"),
        ("prefix = \"lg:*:\"", "prefix"),
        ("prefix = \"lg:test\"", "prefix"),
    ] {
        let refusal = refusal(&[GOOD, line].concat());
        assert!(refusal.contains(rule), "{line}: {refusal}");
    }
    assert!(settings(&[GOOD, "prefix = \"lg:test-1:\""].concat()).terms(password).is_ok());
    assert!(toml::from_str::<StoreSettings>(&[GOOD, "tls = false"].concat()).is_err(), "an unknown key");
}

#[test]
fn files_without_certificates_are_refused() {
    let dir = tempfile::TempDir::new().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for path in [empty, dir.path().join("absent.pem")] {
        let text = format!("{GOOD}ca = {path:?}\n");
        let refused = settings(&text).terms(password);
        assert!(matches!(refused, Err(StoreError::CertificateFile(_))), "{refused:?}");
    }
}

#[test]
fn the_example_is_what_is_read_and_names_every_key() {
    #[derive(Deserialize)]
    struct Example {
        store: toml::Table,
    }
    let text = include_str!("../../../../../docs/examples/store-redis.toml");
    let keys = toml::from_str::<Example>(text).unwrap().store;
    let StoreSettings::Redis(settings) =
        StoreSettings::deserialize(toml::Value::Table(keys.clone())).unwrap()
    else {
        panic!("not the kind")
    };
    settings.check().unwrap();
    assert!(settings.ca.is_some() && settings.client_key.is_some());
    // The shortest settings are the example without what has a default.
    let named: Vec<&str> = keys.keys().map(String::as_str).collect();
    let fields = format!("{settings:?}");
    for field in [
        "url",
        "username",
        "password_file",
        "ca",
        "client_certificate",
        "client_key",
        "prefix",
        "wait_replicas",
    ] {
        assert!(named.contains(&field) && fields.contains(field), "{field}");
    }
    assert_eq!(keys.len(), 1 + 10, "a key is missing in the example, or here: {named:?}");
}
