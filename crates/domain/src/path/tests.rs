//! Attack cases RP01-RP14, RP20 and IN02 on paths.

use super::*;

fn object(text: &str) -> Result<ObjectPath, InvalidPath> {
    ObjectPath::parse(text)
}

#[test]
fn rp01_dot_segments_are_refused_plain_and_encoded() {
    for bad in ["a/./b", "a/../b", "..", "a/%2e%2e/b", "a/%2E/b", "a/%252e%252e/b", "a/.%2e/b", "a/.%252e"] {
        assert_eq!(object(&format!("gs://lake/{bad}")), Err(InvalidPath::DotSegment), "{bad}");
    }
    assert!(object("gs://lake/a/...").is_ok());
    assert!(object("gs://lake/a/.hidden").is_ok());
}

#[test]
fn rp02_empty_segments_are_refused() {
    assert_eq!(object("gs://lake//a"), Err(InvalidPath::EmptySegment));
    assert_eq!(object("gs://lake/a//b"), Err(InvalidPath::EmptySegment));
    assert_eq!(Prefix::parse("gs://lake/a//"), Err(InvalidPath::EmptySegment));
    assert_eq!(Prefix::parse("gs://lake//"), Err(InvalidPath::EmptySegment));
    assert_eq!(Prefix::parse("gs://lake/a"), Err(InvalidPath::NotAPrefix));
}

#[test]
fn rp03_a_prefix_does_not_reach_its_neighbour() {
    let sales = Prefix::parse("gs://lake/data/sales/").unwrap();
    for outside in ["data/sales_secret/x", "data/sales2", "data/sales2/x", "data", "Data/sales/x"] {
        assert!(!sales.covers_object(&object(&format!("gs://lake/{outside}")).unwrap()), "{outside}");
    }
    assert!(!sales.covers_object(&object("gs://other/data/sales/x").unwrap()));
}

#[test]
fn rp05_a_percent_sign_is_a_literal_byte() {
    for good in ["hour=10%3A00/x", "x=a%2Fb", "100%", "%zz/y", "%2", "%25"] {
        let path = object(&format!("gs://lake/{good}")).unwrap();
        assert_eq!(path.key(), good);
    }
}

#[test]
fn rp06_look_alikes_are_different_names() {
    let composed = object("gs://lake/caf\u{e9}").unwrap();
    let decomposed = object("gs://lake/cafe\u{301}").unwrap();
    assert_ne!(composed, decomposed);
    assert_ne!(object("gs://lake/a").unwrap(), object("gs://lake/\u{430}").unwrap());
    assert_eq!(object("gs://lake/a\u{ff0f}b").unwrap().key(), "a\u{ff0f}b");
}

#[test]
fn rp08_in02_control_characters_and_backslashes_are_refused() {
    for bad in
        ["a\0", "a\nb", "a\u{7f}", "a\u{85}", "a\u{2028}b", "a\u{2029}", "a%00", "a%0a", "a%250a", "a%7F"]
    {
        assert_eq!(object(&format!("gs://lake/{bad}")), Err(InvalidPath::Control), "{bad:?}");
    }
    assert_eq!(object("gs://lake/a\\b"), Err(InvalidPath::Backslash));
}

#[test]
fn rp09_url_parts_are_refused_and_not_stripped() {
    for bad in ["a?x=y", "a#frag", "a;v=1", "a/b?generation=1"] {
        assert_eq!(object(&format!("gs://lake/{bad}")), Err(InvalidPath::UrlPart), "{bad}");
    }
    assert_eq!(object("gs://u@lake:443/p"), Err(InvalidPath::Bucket));
}

#[test]
fn rp13_a_bucket_alone_is_its_root_and_nothing_is_no_path() {
    assert_eq!(Prefix::parse("gs://lake").unwrap(), Prefix::parse("gs://lake/").unwrap());
    for bad in ["", "/", "lake/a", "gs:/lake/a"] {
        assert_eq!(Prefix::parse(bad), Err(InvalidPath::Scheme), "{bad:?}");
    }
}

#[test]
fn rp14_keys_are_bounded_in_bytes() {
    assert!(object(&format!("gs://lake/{}", "a".repeat(1024))).is_ok());
    assert_eq!(object(&format!("gs://lake/{}", "a".repeat(1025))), Err(InvalidPath::TooLong));
    assert_eq!(object(&format!("gs://lake/{}", "é".repeat(513))), Err(InvalidPath::TooLong));
    assert!(Prefix::parse(&format!("gs://lake/{}/", "a".repeat(1023))).is_ok());
    assert_eq!(Prefix::parse(&format!("gs://lake/{}/", "a".repeat(1024))), Err(InvalidPath::TooLong));
    assert_eq!(object(&format!("gs://lake/{}", "a/".repeat(5000))), Err(InvalidPath::NotAnObject));
}

#[test]
fn rp20_wildcards_are_literal() {
    assert_eq!(object("gs://lake/data/*").unwrap().key(), "data/*");
    assert_eq!(object("gs://lake/data/?").unwrap().key(), "data/?");
}

#[test]
fn a_prefix_knows_its_parent_and_its_slashless_object() {
    let sales = Prefix::parse("gs://lake/wh/sales/").unwrap();
    assert_eq!(sales.parent().unwrap().key(), "wh/");
    assert_eq!(sales.parent().unwrap().parent().unwrap().key(), "");
    assert_eq!(sales.parent().unwrap().parent().unwrap().parent(), None);
    let slashless = sales.slashless().unwrap();
    assert_eq!(slashless.key(), "wh/sales");
    assert_eq!(Prefix::of_slashless(&slashless), Some(sales));
    assert_eq!(Prefix::containing(&slashless).key(), "wh/");
}
