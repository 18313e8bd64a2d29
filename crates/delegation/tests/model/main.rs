//! All that two brokers, a log, a clock and a network can do with one delegation token, and with the keys that sign
//! tokens, in every order.
//!
//! The transitions run the code of the product: tokens are issued and verified, records written and read, decisions taken
//! by [`lakegate_delegation::Book`]. What is modelled around it is what `broker/src/delegation/journal.rs` does with the
//! log: read to the end, decide, write under the next number or decide again, keep a tombstone whatever comes of that. A
//! call may break off at any point, with the record written or not.
//!
//! The search is breadth first over all states within small bounds, so a way that is found is a shortest one. The same
//! search over brokers that are broken on purpose must find a way.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod keys;
mod rules;
mod search;
mod world;

use keys::Keepers;
use search::{Found, search};
use world::Protocol;

#[test]
fn no_order_of_events_lets_a_cancelled_token_live_beyond_the_bound() {
    let Found { states, broken, seen } = search(Protocol::Real);
    assert_eq!(broken, None);
    assert!(states > 50_000, "{states} states are too few to mean anything");
    for sight in rules::SIGHTS {
        assert!(seen.contains(sight), "{sight} never happened, so nothing was said about it");
    }
}

#[test]
fn brokers_that_are_broken_on_purpose_are_found() {
    for (protocol, rule) in [
        (Protocol::WritesWithoutDecidingAgain, "cancel wins over renew"),
        (Protocol::ForgetsWhatItCouldNotWrite, "a broker keeps what it was told"),
        (Protocol::SaysYesBeforeItIsWritten, "cancel wins over renew"),
        (Protocol::BelievesForEver, "nobody believes without looking for too long"),
    ] {
        let found = search(protocol);
        let (broken, way) = found.broken.unwrap_or_else(|| panic!("{protocol:?} was not found"));
        assert_eq!(broken, rule, "{protocol:?}: {way:?}");
    }
}

#[test]
fn dt23_no_order_of_events_signs_with_a_key_that_the_log_did_not_take() {
    let (states, longest, broken) = keys::search(Keepers::Real);
    assert_eq!(broken, None);
    assert!(
        states > 1_000 && longest >= 3,
        "{states} states and {longest} keys are too few to mean anything"
    );
}

#[test]
fn keepers_of_keys_that_are_broken_on_purpose_are_found() {
    let (.., broken) = keys::search(Keepers::UseWhatTheyMade);
    assert_eq!(broken, Some("nothing is signed by a key that the log did not take"));
    let (.., broken) = keys::search(Keepers::SignAtOnce);
    assert_eq!(broken, Some("whatever is signed is believed by every broker that reaches the log"));
}
