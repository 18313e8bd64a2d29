//! Writes Hadoop's primitives.

/// The longest `VLong`, in bytes.
pub const MAX_VLONG_BYTES: usize = 9;

/// The encoding of a number, and how many of the bytes are used.
pub fn vlong(value: i64) -> ([u8; MAX_VLONG_BYTES], usize) {
    let mut bytes = [0; MAX_VLONG_BYTES];
    let [first, rest @ ..] = &mut bytes;
    if (-112..=127).contains(&value) {
        let [.., low] = value.to_be_bytes();
        *first = low;
        return (bytes, 1);
    }
    // -112 or -120, from which the count of bytes is taken away, as a byte.
    let (base, magnitude): (u8, u64) =
        if value < 0 { (0x88, !value.cast_unsigned()) } else { (0x90, value.cast_unsigned()) };
    let count = u8::try_from(8 - magnitude.leading_zeros() / 8).unwrap_or(8);
    *first = base - count;
    let significant = magnitude.to_be_bytes().into_iter().skip(usize::from(8 - count));
    for (to, from) in rest.iter_mut().zip(significant) {
        *to = from;
    }
    (bytes, 1 + usize::from(count))
}

/// Appends a `VLong`, or a `VInt`, which is the same.
pub fn put_vlong(to: &mut Vec<u8>, value: i64) {
    let (bytes, len) = vlong(value);
    to.extend(bytes.iter().take(len));
}

/// Appends bytes after their length as a `VInt`.
pub fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_vlong(to, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    to.extend_from_slice(bytes);
}

/// Appends a `Text`.
pub fn put_text(to: &mut Vec<u8>, text: &str) {
    put_bytes(to, text.as_bytes());
}
