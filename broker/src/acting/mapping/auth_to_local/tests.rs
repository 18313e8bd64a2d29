//! Rules as operators of Hadoop write them, and those that are refused.

use super::*;
use crate::acting::PatternFault;

const RULES: &str = r"
    RULE:[1:$1@$0](.*@ADMIN\.EXAMPLE)s/@.*//
    RULE:[2:$1;$2](^nn;.*$)s/;.*$/-svc/
    RULE:[2:$1@$0](hive@EXAMPLE\.COM)s/.*/HIVE_svc/L
    RULE:[1:$1](x.*)s/x/y/g
    DEFAULT
";

fn rules(text: &str) -> AuthToLocal {
    AuthToLocal::parse(text, Some("EXAMPLE.COM"), Mechanism::Hadoop).unwrap()
}

fn fault(text: &str) -> MappingError {
    AuthToLocal::parse(text, Some("EXAMPLE.COM"), Mechanism::Hadoop).unwrap_err()
}

fn short(rules: &AuthToLocal, name: &str) -> String {
    rules.apply(name).unwrap_or_else(|error| format!("{error:?}"))
}

#[test]
fn names_become_what_hadoop_makes_of_them() {
    let rules = rules(RULES);
    for (name, expected) in [
        ("bob@ADMIN.EXAMPLE", "bob"),
        ("nn/h1@ANY", "nn-svc"),
        ("hive/h2@EXAMPLE.COM", "hive_svc"),
        ("xaxb@Z", "yayb"),
        ("carol@NOPE", "NoRule"),
        ("carol@EXAMPLE.COM", "carol"),
        ("spark/h@EXAMPLE.COM", "spark"),
        ("bare", "bare"),
        ("a/b/c", "a/b/c"),
        ("a/b/c@EXAMPLE.COM", "NoRule"),
    ] {
        assert_eq!(short(&rules, name), expected, "{name}");
    }
}

#[test]
fn the_first_rule_with_a_result_wins() {
    assert_eq!(short(&rules("RULE:[1:$1]s/a/b/ RULE:[1:$1]s/a/c/"), "a@R"), "b");
    assert_eq!(short(&rules("RULE:[1:$1](z)s/a/b/ RULE:[1:$1]s/a/c/"), "a@R"), "c");
    assert_eq!(short(&rules("RULE:[2:$1] DEFAULT"), "a@EXAMPLE.COM"), "a");
    assert_eq!(short(&rules("RULE:[1:$1](A)/L"), "A@R"), "a");
    assert_eq!(short(&rules("RULE:[2:$1](hive)s/.*/q/g"), "hive/h@R"), "qq", "as Java has it");
    assert_eq!(short(&rules("RULE:[1:$1]s/.*(.)/$1$1/DEFAULT"), "abc@R"), "cc", "no space between rules");
}

#[test]
fn a_result_that_is_not_simple_is_refused_and_no_other_rule_is_tried() {
    let hadoop = rules("RULE:[1:$1@$0] DEFAULT");
    assert_eq!(short(&hadoop, "a@EXAMPLE.COM"), "NoRule");
    let mit = AuthToLocal::parse("RULE:[1:$1@$0](a.*) DEFAULT", Some("R"), Mechanism::Mit).unwrap();
    assert_eq!(short(&mit, "a@R"), "a@R");
    assert_eq!(short(&mit, "z@OTHER"), "z@OTHER");
}

#[test]
fn a_name_without_a_realm_has_no_realm_and_not_one_called_null() {
    let rules = rules("RULE:[2:$1@$0](.*@null)s/@.*/-x/ RULE:[2:$1]s/$/-y/");
    assert_eq!(short(&rules, "nn/h"), "nn-y");
    assert_eq!(short(&rules, "nn/h@null"), "nn-x");
}

#[test]
fn rules_that_cannot_be_run_as_hadoop_runs_them_are_refused() {
    assert_eq!(fault(""), MappingError::NoRules);
    assert_eq!(fault("DEFAULT nonsense"), MappingError::Grammar { rule: 2 });
    let unclosed = MappingError::Pattern { rule: 1, fault: PatternFault::Syntax };
    assert_eq!(fault("RULE:[1:$1](a(b)c)s/x/y/"), unclosed, "a pattern ends at its first )");
    assert_eq!(fault("RULE:[3:$1]"), MappingError::Components { rule: 1 });
    assert_eq!(fault("RULE:[:$1]"), MappingError::Components { rule: 1 });
    assert_eq!(fault("RULE:[1:$2]"), MappingError::Format { rule: 1 });
    assert_eq!(fault("RULE:[1:a$]"), MappingError::Format { rule: 1 });
    assert_eq!(fault("RULE:[1:$1]s/a/$1/"), MappingError::Replacement { rule: 1 });
    assert_eq!(fault(&"DEFAULT ".repeat(10_000)), MappingError::TooLong);
    let pattern = |fault| MappingError::Pattern { rule: 2, fault };
    assert_eq!(fault("DEFAULT RULE:[1:$1]s/(?=a)b/c/"), pattern(PatternFault::Syntax));
    assert_eq!(fault(r"DEFAULT RULE:[1:$1]s/(a)\1/c/"), pattern(PatternFault::Syntax));
    assert!(matches!(
        fault("RULE:[1:$1](a++)"),
        MappingError::Pattern { fault: PatternFault::Differs(_), .. }
    ));
    let no_realm = AuthToLocal::parse("DEFAULT", None, Mechanism::Hadoop).unwrap_err();
    assert_eq!(no_realm, MappingError::NoDefaultRealm);
}
