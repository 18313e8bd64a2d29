//! One encoding, Hadoop's seven fields first, and nothing that is not a name.

use super::*;
use crate::hadoop::put_bytes;

fn sample() -> Identifier {
    Identifier {
        owner: Principal::parse("alice").unwrap(),
        renewer: Some(Principal::parse("yarn").unwrap()),
        real_user: Some(Principal::parse("hive").unwrap()),
        issued: Timestamp::from_millis(1_700_000_000_000),
        max_date: Timestamp::from_millis(1_700_604_800_000),
        sequence: 7,
        key: KeyId::new(3).unwrap(),
        cluster: "lake".to_owned(),
        id: TokenId::from_bytes([0xa5; 16]),
        first_renew_date: Timestamp::from_millis(1_700_086_400_000),
        store_epoch: 0,
    }
}

/// What Hadoop 3.3.4 writes for the seven fields of the sample.
const HADOOP: &str = "0005616c696365047961726e04686976658a018bcfe568008a018bf3f1ec000703";

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn the_first_fields_are_hadoops_byte_for_byte() {
    let bytes = sample().to_bytes();
    let (hadoop, ours) = bytes.split_at(HADOOP.len() / 2);
    assert_eq!(hex(hadoop), HADOOP);
    let id = "a5".repeat(16);
    assert_eq!(hex(ours), ["01", "046c616b65", &id, "8a018bd50bc400", "00"].concat());
    assert_eq!(Identifier::parse(&bytes), Ok(sample()));
}

#[test]
fn dt07_nothing_may_follow_and_nothing_may_be_missing() {
    let bytes = sample().to_bytes();
    for end in 0..bytes.len() {
        assert!(Identifier::parse(&bytes[..end]).is_err(), "{end} bytes");
    }
    for more in [&[0][..], &[1], &[0; 100]] {
        assert_eq!(Identifier::parse(&[&bytes, more].concat()), Err(Malformed::Trailing));
    }
    assert_eq!(Identifier::parse(&[0; MAX_IDENTIFIER_BYTES + 1]), Err(Malformed::TooLong));
}

#[test]
fn dt06_another_version_or_format_is_refused() {
    let bytes = sample().to_bytes();
    for version in [1, 127, 128, 255] {
        let mut other = bytes.clone();
        other[0] = version;
        assert_eq!(Identifier::parse(&other), Err(Malformed::Version), "{version}");
    }
    for format in [0, 2, 127] {
        let mut other = bytes.clone();
        other[HADOOP.len() / 2] = format;
        assert_eq!(Identifier::parse(&other), Err(Malformed::Version), "{format}");
    }
    let hadoops_own = &bytes[..HADOOP.len() / 2];
    assert_eq!(Identifier::parse(hadoops_own), Err(Malformed::Short));
}

/// An identifier with names and dates of the caller's own.
fn forged(names: [&[u8]; 3], dates: [i64; 3]) -> Vec<u8> {
    let mut bytes = vec![0];
    for name in names {
        put_bytes(&mut bytes, name);
    }
    put_vlong(&mut bytes, dates[0]);
    put_vlong(&mut bytes, dates[1]);
    bytes.extend([7, 3, 1, 0]);
    bytes.extend([0; 16]);
    put_vlong(&mut bytes, dates[2]);
    bytes.push(0);
    bytes
}

#[test]
fn dt21_names_outside_the_alphabet_are_refused() {
    let parse = |names| Identifier::parse(&forged(names, [1, 3, 2]));
    assert!(parse([b"alice", b"", b""]).is_ok(), "renewer and real user may be nobody");
    let long = vec![b'a'; 257];
    let longest = vec![b'a'; 256];
    assert!(parse([&longest, &longest, &longest]).is_ok());
    let megabyte = vec![b'a'; 1 << 20];
    for bad in [
        &b"a\0b"[..],
        b"a\nb",
        "\u{202e}ecila".as_bytes(),
        b"*",
        b"a b",
        b"\xff",
        b"root:x",
        &long,
        &megabyte,
    ] {
        for names in [[bad, b"yarn", b"hive"], [b"alice", bad, b"hive"], [b"alice", b"yarn", bad]] {
            assert!(parse(names).is_err(), "{:?}", String::from_utf8_lossy(&bad[..bad.len().min(20)]));
        }
    }
    assert_eq!(parse([b"", b"yarn", b"hive"]), Err(Malformed::Principal), "an owner there must be");
}

#[test]
fn dt10_dates_that_are_not_in_order_are_refused() {
    let parse = |dates| Identifier::parse(&forged([b"alice", b"", b""], dates));
    assert!(parse([5, 5, 5]).is_ok());
    for dates in [[2, 1, 1], [1, 3, 4], [2, 3, 1], [-1, 3, 2], [1, i64::MIN, 2], [i64::MAX, 0, 0]] {
        assert_eq!(parse(dates), Err(Malformed::Dates), "{dates:?}");
    }
}

#[test]
fn numbers_that_hadoop_could_write_and_we_never_do_are_refused() {
    let good = forged([b"alice", b"", b""], [1, 3, 2]);
    let at = good.len() - 1 - 1 - 16 - 1 - 3;
    assert_eq!(&good[at..at + 3], &[7, 3, 1]);
    for place in 0..3 {
        let mut negative = good.clone();
        negative[at + place] = 0xff;
        assert_eq!(Identifier::parse(&negative), Err(Malformed::Range), "{place}");
    }
}

#[test]
fn an_id_prints_as_32_digits() {
    assert_eq!(TokenId::from_bytes([0x0f; 16]).to_string(), "0f".repeat(16));
    assert_ne!(TokenId::generate().unwrap(), TokenId::generate().unwrap());
}
