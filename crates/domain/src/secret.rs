//! A secret text: readable only by [`Secret::expose`].

use std::fmt;

use zeroize::Zeroizing;

/// A text that must not be seen: a token, a key, a delegation token.
///
/// `Debug` prints a placeholder; there is no `Display`, `Serialize` or `Clone`; the bytes are
/// overwritten on drop.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself; every call is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lg01_debug_output_does_not_hold_the_secret() {
        let secret = Secret::new("canary-7f3a".to_owned());
        assert!(!format!("{secret:?} {secret:#?}").contains("canary"));
        assert_eq!(secret.expose(), "canary-7f3a");
    }
}
