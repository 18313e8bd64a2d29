//! Reads Hadoop's primitives, strictly: one encoding per value, lengths checked against what is there, nothing
//! allocated.

use super::vlong;
use crate::Malformed;

/// Reads from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Malformed::Short`] at the end.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(first)
    }

    /// So many bytes as they are.
    ///
    /// # Errors
    /// [`Malformed::Short`] when there are fewer.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// As many bytes as an array has.
    ///
    /// # Errors
    /// [`Malformed::Short`] when there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A `VLong` in its shortest form.
    ///
    /// # Errors
    /// [`Malformed::Short`] or [`Malformed::NotMinimal`].
    pub fn vlong(&mut self) -> Result<i64, Malformed> {
        let start = self.rest;
        let first = self.byte()?.cast_signed();
        if first >= -112 {
            return Ok(first.into());
        }
        // -113 to -120 are positive, -121 to -128 negative; both count 1 to 8 bytes.
        let (negative, count) = if first < -120 { (true, -120 - first) } else { (false, -112 - first) };
        let count = usize::from(count.unsigned_abs());
        let magnitude = self.take(count)?.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let magnitude = magnitude.cast_signed();
        let value = if negative { !magnitude } else { magnitude };
        let (bytes, len) = vlong(value);
        if len == count + 1 && start.iter().zip(&bytes).take(len).all(|(found, shortest)| found == shortest) {
            Ok(value)
        } else {
            Err(Malformed::NotMinimal)
        }
    }

    /// A `VInt` that is not negative.
    ///
    /// # Errors
    /// As [`Reader::vlong`], and [`Malformed::Range`] below 0 or above 2,147,483,647.
    pub fn count(&mut self) -> Result<u32, Malformed> {
        let value = i32::try_from(self.vlong()?).map_err(|_| Malformed::Range)?;
        u32::try_from(value).map_err(|_| Malformed::Range)
    }

    /// Bytes after their length, at most `longest`.
    ///
    /// # Errors
    /// As [`Reader::count`], [`Malformed::TooLong`], or [`Malformed::Short`] when there are fewer than claimed.
    pub fn bytes(&mut self, longest: usize) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.count()?).map_err(|_| Malformed::Range)?;
        if len > longest {
            return Err(Malformed::TooLong);
        }
        self.take(len)
    }

    /// A `Text` of at most `longest` bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`Malformed::Text`] when it is longer or not UTF-8.
    pub fn text(&mut self, longest: usize) -> Result<&'a str, Malformed> {
        let bytes = self.bytes(longest).map_err(|error| match error {
            Malformed::TooLong => Malformed::Text,
            other => other,
        })?;
        std::str::from_utf8(bytes).map_err(|_| Malformed::Text)
    }

    /// Says that nothing follows.
    ///
    /// # Errors
    /// [`Malformed::Trailing`] when something does.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }
}

#[cfg(test)]
mod tests;
