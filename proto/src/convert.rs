//! Conversions between wire and domain. All checks are the domain's.

use lakegate_domain::{InvalidOperations, Operation, OperationSet, Part, Target, Timestamp};

use crate::{InvalidRequest, v1};

const fn to_wire(operation: Operation) -> v1::Operation {
    match operation {
        Operation::Read => v1::Operation::Read,
        Operation::List => v1::Operation::List,
        Operation::Create => v1::Operation::Create,
        Operation::Write => v1::Operation::Write,
        Operation::Delete => v1::Operation::Delete,
    }
}

fn from_wire(number: i32) -> Result<Operation, InvalidOperations> {
    match v1::Operation::try_from(number) {
        Ok(v1::Operation::Read) => Ok(Operation::Read),
        Ok(v1::Operation::List) => Ok(Operation::List),
        Ok(v1::Operation::Create) => Ok(Operation::Create),
        Ok(v1::Operation::Write) => Ok(Operation::Write),
        Ok(v1::Operation::Delete) => Ok(Operation::Delete),
        Ok(v1::Operation::Unspecified) | Err(_) => Err(InvalidOperations::Unknown),
    }
}

/// The operations of a message.
///
/// # Errors
/// When there is none, or one is unspecified or unknown.
pub fn operations_from_wire(numbers: &[i32]) -> Result<OperationSet, InvalidOperations> {
    if numbers.is_empty() {
        return Err(InvalidOperations::Empty);
    }
    numbers.iter().copied().map(from_wire).collect()
}

/// The numbers of a set, in canonical order.
pub fn operations_to_wire(operations: OperationSet) -> Vec<i32> {
    operations.iter().map(|operation| i32::from(to_wire(operation))).collect()
}

/// A part of a message.
///
/// # Errors
/// The rule that its path or operations break.
pub fn part_from_wire(part: &v1::Part) -> Result<Part, InvalidRequest> {
    let target = Target::parse(&part.path)?;
    Ok(Part::new(target, operations_from_wire(&part.operations)?)?)
}

/// A part as a message.
pub fn part_to_wire(part: &Part) -> v1::Part {
    v1::Part { path: part.target().to_string(), operations: operations_to_wire(part.operations()) }
}

/// An instant as a message.
pub fn timestamp_to_wire(instant: Timestamp) -> prost_types::Timestamp {
    let nanos = instant.as_millis().rem_euclid(1000) * 1_000_000;
    prost_types::Timestamp { seconds: instant.as_seconds(), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// An instant of a message, rounded down to milliseconds.
///
/// # Errors
/// When it is missing or no instant of ours.
pub fn timestamp_from_wire(wire: Option<&prost_types::Timestamp>) -> Result<Timestamp, InvalidRequest> {
    let wire = wire.ok_or(InvalidRequest::Timestamp)?;
    if !(0..1_000_000_000).contains(&wire.nanos) {
        return Err(InvalidRequest::Timestamp);
    }
    wire.seconds
        .checked_mul(1000)
        .and_then(|millis| millis.checked_add(i64::from(wire.nanos / 1_000_000)))
        .map(Timestamp::from_millis)
        .ok_or(InvalidRequest::Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rp17_unknown_and_missing_operations_are_refused() {
        assert_eq!(operations_from_wire(&[]), Err(InvalidOperations::Empty));
        assert_eq!(operations_from_wire(&[0]), Err(InvalidOperations::Unknown));
        assert_eq!(operations_from_wire(&[1, 99]), Err(InvalidOperations::Unknown));
        assert_eq!(operations_from_wire(&[-1]), Err(InvalidOperations::Unknown));
    }

    #[test]
    fn every_set_of_operations_survives_the_wire() {
        for bits in 1..32_u8 {
            let set: OperationSet =
                Operation::ALL.into_iter().filter(|op| bits & 1 << *op as u8 != 0).collect();
            assert_eq!(operations_from_wire(&operations_to_wire(set)), Ok(set));
        }
    }

    #[test]
    fn instants_survive_the_wire_and_absurd_ones_are_refused() {
        for millis in [0, 1, -1, 1_790_000_000_123] {
            let instant = Timestamp::from_millis(millis);
            assert_eq!(timestamp_from_wire(Some(&timestamp_to_wire(instant))), Ok(instant));
        }
        let absurd = prost_types::Timestamp { seconds: i64::MAX, nanos: 0 };
        assert_eq!(timestamp_from_wire(Some(&absurd)), Err(InvalidRequest::Timestamp));
        assert_eq!(timestamp_from_wire(None), Err(InvalidRequest::Timestamp));
    }
}
