//! Hadoop's own numbers and texts, and everything that is not one of them.

use proptest::prelude::*;

use super::*;
use crate::hadoop::{put_text, put_vlong};

/// Written by Hadoop 3.3.4.
const NUMBERS: [(i64, &[u8]); 16] = [
    (0, &[0x00]),
    (1, &[0x01]),
    (-1, &[0xff]),
    (127, &[0x7f]),
    (-112, &[0x90]),
    (-129, &[0x87, 0x80]),
    (128, &[0x8f, 0x80]),
    (255, &[0x8f, 0xff]),
    (256, &[0x8e, 0x01, 0x00]),
    (65_535, &[0x8e, 0xff, 0xff]),
    (-113, &[0x87, 0x70]),
    (1_700_000_000_000, &[0x8a, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00]),
    (i64::MAX, &[0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    (i64::MIN, &[0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    (-256, &[0x87, 0xff]),
    (-257, &[0x86, 0x01, 0x00]),
];

fn written(value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_vlong(&mut bytes, value);
    bytes
}

fn read(bytes: &[u8]) -> Result<i64, Malformed> {
    let mut reader = Reader::new(bytes);
    let value = reader.vlong()?;
    reader.finish().map(|()| value)
}

#[test]
fn numbers_are_written_and_read_as_hadoop_does() {
    for (value, bytes) in NUMBERS {
        assert_eq!(written(value), bytes, "{value}");
        assert_eq!(read(bytes), Ok(value), "{value}");
    }
}

#[test]
fn dt07_a_number_in_a_longer_form_is_refused() {
    let longer: [&[u8]; 8] = [
        &[0x8f, 0x00],
        &[0x8f, 0x7f],
        &[0x8e, 0x00, 0x80],
        &[0x87, 0x00],
        &[0x87, 0x6f],
        &[0x86, 0x00, 0x80],
        // Beyond the largest number: it would wrap around.
        &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for bytes in longer {
        assert_eq!(read(bytes), Err(Malformed::NotMinimal), "{bytes:02x?}");
    }
    assert_eq!(read(&[]), Err(Malformed::Short));
    assert_eq!(read(&[0x8a, 1, 2]), Err(Malformed::Short));
    assert_eq!(read(&[0x01, 0x00]), Err(Malformed::Trailing));
}

#[test]
fn a_text_is_as_long_as_it_says_and_utf_8() {
    let text = |bytes: &[u8]| Reader::new(bytes).text(8).map(str::to_owned);
    assert_eq!(text(b"\x05alice"), Ok("alice".to_owned()));
    assert_eq!(text(b"\x00"), Ok(String::new()));
    assert_eq!(text(b"\x05alic"), Err(Malformed::Short));
    assert_eq!(text(b"\x09alicealic"), Err(Malformed::Text));
    assert_eq!(text(b"\x02\xc3("), Err(Malformed::Text));
    assert_eq!(text(b"\xff"), Err(Malformed::Range));
}

#[test]
fn dt03_a_claimed_length_is_not_allocated() {
    for claimed in [1_000_000, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::MAX] {
        let bytes = written(claimed);
        assert!(Reader::new(&bytes).bytes(usize::MAX).is_err(), "{claimed}");
    }
}

proptest! {
    #[test]
    fn every_number_comes_back(value: i64) {
        prop_assert_eq!(read(&written(value)), Ok(value));
    }

    #[test]
    fn small_numbers_come_back_too(value in -70_000_i64..70_000) {
        prop_assert_eq!(read(&written(value)), Ok(value));
    }

    #[test]
    fn every_text_comes_back(text in ".{0,40}") {
        let mut bytes = Vec::new();
        put_text(&mut bytes, &text);
        prop_assert_eq!(Reader::new(&bytes).text(1024), Ok(text.as_str()));
    }

    #[test]
    fn dt07_what_is_read_is_what_would_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(value) = read(&bytes) {
            prop_assert_eq!(written(value), bytes);
        }
    }
}
