//! One encoding per record, and nothing that is none.

use proptest::prelude::*;

use super::*;

pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let name = || "[a-z0-9._@-]{1,20}x".prop_map(|text| Principal::parse(&text).unwrap());
    let id = || any::<[u8; 16]>().prop_map(TokenId::from_bytes);
    let binding = prop_oneof![
        Just(None),
        any::<[u8; 32]>().prop_map(|sha256| Some(Binding::public_key(sha256))),
        "[a-f0-9-]{36}".prop_map(|uid| Some(Binding::pod("lake.example", &uid))),
    ];
    let row = (name(), proptest::option::of(name()), any::<i64>(), any::<i64>(), 0..i32::MAX as u32, binding);
    let row = row.prop_map(|(owner, real_user, one, other, epoch, binding)| Row {
        owner,
        real_user,
        max_date: Timestamp::from_millis(one.max(other)),
        renew_before: Timestamp::from_millis(one.min(other)),
        epoch,
        binding,
    });
    prop_oneof![
        (id(), row).prop_map(|(id, row)| Record::Issued { id, row }),
        (id(), any::<i64>())
            .prop_map(|(id, until)| Record::Renewed { id, until: Timestamp::from_millis(until) }),
        (id(), name(), any::<i64>()).prop_map(|(id, owner, max)| Record::Cancelled {
            id,
            owner,
            max_date: Timestamp::from_millis(max)
        }),
        (0..i32::MAX as u32).prop_map(|epoch| Record::EpochRaised { epoch }),
    ]
}

#[test]
fn the_longest_record_fits() {
    let name = |byte: &str| Principal::parse(&byte.repeat(256)).unwrap();
    let row = Row {
        owner: name("a"),
        real_user: Some(name("b")),
        max_date: Timestamp::from_millis(i64::MAX),
        renew_before: Timestamp::from_millis(i64::MAX),
        epoch: i32::MAX as u32,
        binding: Some(Binding::pod("lake.example", "x")),
    };
    let bytes = Record::Issued { id: TokenId::from_bytes([0xff; 16]), row }.to_bytes(&Chain::default());
    assert!(bytes.len() <= MAX_RECORD_BYTES, "{}", bytes.len());
}

#[test]
fn bytes_that_are_no_record_are_refused_by_name() {
    let chain = Chain::default();
    let good = Record::EpochRaised { epoch: 300 }.to_bytes(&chain);
    assert!(Record::parse(&good).is_ok());
    let with = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        Record::parse(&bytes).err()
    };
    assert_eq!(with(0, 2), Some(Malformed::Version));
    assert_eq!(with(17, 9), Some(Malformed::Kind));
    assert_eq!(with(18, 0x8d), Some(Malformed::Short));
    assert_eq!(Record::parse(&[&good[..], &[0]].concat()).err(), Some(Malformed::Trailing));
    assert_eq!(Record::parse(&[0; MAX_RECORD_BYTES + 1]).err(), Some(Malformed::TooLong));
    assert_eq!(Record::parse(&[]).err(), Some(Malformed::Short));
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(record in any_record(), chain: [u8; 16]) {
        let chain = Chain::from_bytes(chain);
        let bytes = record.to_bytes(&chain);
        prop_assert_eq!(Record::parse(&bytes), Ok((chain, record)));
    }

    #[test]
    fn a_record_has_one_encoding(record in any_record(), place: usize, byte: u8, len in 0_usize..400) {
        let bytes = record.to_bytes(&Chain::default());
        let mut mutated = bytes.clone();
        let place = place % bytes.len();
        mutated[place] = byte;
        if let Ok((chain, other)) = Record::parse(&mutated) {
            prop_assert_eq!(other.to_bytes(&chain), mutated);
        }
        prop_assert!(len >= bytes.len() || Record::parse(&bytes[..len]).is_err());
    }
}
