//! Object identifiers as texts: `1.3.6.1.5.5.7.3.2`.

/// A certificate for a server (RFC 5280, section 4.2.1.12).
pub(super) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

/// A certificate for a client (RFC 5280, section 4.2.1.12).
pub(super) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

/// Whether a text is an object identifier in its one dotted form.
pub(super) fn is_oid(text: &str) -> bool {
    let is_number = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|byte| byte.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    text.len() <= 128 && text.split('.').count() >= 3 && text.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::is_oid;

    #[test]
    fn object_identifiers_have_one_form() {
        assert!(is_oid("1.3.6.1.4.1.99999.7") && is_oid("2.5.29.37.0"));
        for bad in ["", "1", "1.2", "1..2.3", "1.02.3", "1.2.3.", "client-auth", "1.2.3 "] {
            assert!(!is_oid(bad), "{bad:?}");
        }
    }
}
