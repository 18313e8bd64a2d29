//! What comes first, and what is nobody.

use super::*;

fn mapping(toml: &str) -> Mapping {
    Mapping::new(&toml::from_str(toml).unwrap()).unwrap()
}

fn mapped(mapping: &Mapping, name: &str) -> String {
    mapping.apply(name).map_or_else(|error| format!("{error:?}"), |principal| principal.to_string())
}

#[test]
fn without_settings_a_name_is_a_principal_or_none() {
    let mapping = Mapping::default();
    assert_eq!(mapped(&mapping, "alice"), "alice");
    assert_eq!(mapped(&mapping, "spiffe:a.example/x"), "spiffe:a.example/x");
    assert_eq!(mapped(&mapping, "hive/h@R"), "NoPrincipal");
    for bad in ["", "a\nb", "\u{202e}x", &"x".repeat(513)] {
        assert_eq!(mapped(&mapping, bad), "Form", "{bad:?}");
    }
}

#[test]
fn exact_names_come_before_prefixes_and_longer_prefixes_before_shorter() {
    let mapping = mapping(
        r#"
        unmatched = "refuse"
        exact = { "Alice Liddell" = "alice", "spiffe:old.example/boss" = "boss" }
        prefix = { "spiffe:old.example/" = "spiffe:new.example/", "spiffe:old.example/a/" = "spiffe:a.example/" }
        "#,
    );
    assert_eq!(mapped(&mapping, "Alice Liddell"), "alice");
    assert_eq!(mapped(&mapping, "spiffe:old.example/boss"), "boss");
    assert_eq!(mapped(&mapping, "spiffe:old.example/x"), "spiffe:new.example/x");
    assert_eq!(mapped(&mapping, "spiffe:old.example/a/x"), "spiffe:a.example/x");
    assert_eq!(mapped(&mapping, "spiffe:old.example/"), "NoPrincipal");
    assert_eq!(mapped(&mapping, "alice liddell"), "NoRule", "case counts");
    assert_eq!(mapped(&mapping, "bob"), "NoRule");
}

#[test]
fn kerberos_rules_are_for_names_without_a_kind() {
    let mapping =
        mapping("default_realm = 'R'\nauth_to_local = 'RULE:[2:$1](hive)s/hive/hiveserver/ DEFAULT'");
    assert_eq!(mapped(&mapping, "hive/h@X"), "hiveserver");
    assert_eq!(mapped(&mapping, "carol@R"), "carol");
    assert_eq!(mapped(&mapping, "carol@X"), "NoRule", "what is unmatched elsewhere does not matter");
    assert_eq!(mapped(&mapping, "spiffe:prod/etl"), "spiffe:prod/etl");
    assert_eq!(mapped(&mapping, "alice"), "alice");
}

#[test]
fn a_result_is_not_mapped_again() {
    let mapping = mapping("exact = { a = 'b', b = 'c' }");
    assert_eq!(mapped(&mapping, "a"), "b");
}

#[test]
fn px04_misspelt_keys_and_names_that_match_nothing_are_refused() {
    assert!(toml::from_str::<MappingSettings>("exakt = {}").is_err());
    assert!(toml::from_str::<MappingSettings>("unmatched = 'As-Is'").is_err());
    for bad in ["exact = { '' = 'a' }", "prefix = { '' = 'a' }", "exact = { \"\u{e9}\" = 'a' }"] {
        assert_eq!(Mapping::new(&toml::from_str(bad).unwrap()).unwrap_err(), MappingError::Name, "{bad}");
    }
}
