//! DER taken apart and put together, to make what no library makes.

use anyhow::{Context, Result};

/// One element of DER around its content (X.690, section 8.1).
pub fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => vec![tag, 0],
        [short] if *short < 0x80 => [&[tag, *short], content].concat(),
        long => {
            let count = 0x80 | u8::try_from(long.len()).unwrap_or(0);
            [&[tag, count], long, content].concat()
        }
    }
}

/// The whole first element, and how long its head is.
fn element(der: &[u8]) -> Result<(&[u8], usize)> {
    let first = usize::from(*der.get(1).context("no length")?);
    let (head, length) = if first < 0x80 {
        (2, first)
    } else {
        let bytes = der.get(2..2 + (first & 0x7f)).context("no length")?;
        (2 + bytes.len(), bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    };
    Ok((der.get(..head + length).context("too short")?, head))
}

/// What an element holds.
pub(super) fn content(der: &[u8]) -> Result<&[u8]> {
    let (whole, head) = element(der)?;
    whole.get(head..).context("too short")
}

/// All elements of a row.
pub(super) fn elements(mut der: &[u8]) -> Result<Vec<&[u8]>> {
    let mut all = Vec::new();
    while !der.is_empty() {
        let (whole, _) = element(der)?;
        all.push(whole);
        der = der.get(whole.len()..).unwrap_or_default();
    }
    Ok(all)
}
