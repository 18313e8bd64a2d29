//! `Debug` for messages that hold a secret.

use std::fmt;

use crate::v1;

/// Implements `Debug` as a placeholder; a macro because the generated types share no trait to hang it on.
macro_rules! redacted {
    ($($message:ident),+ $(,)?) => {
        $(impl fmt::Debug for v1::$message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($message), "([redacted])"))
            }
        })+
    };
}

redacted!(
    BearerCredential,
    AwsCredential,
    SasCredential,
    IssueDelegationTokenResponse,
    RenewDelegationTokenRequest,
    CancelDelegationTokenRequest,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lg01_an_answer_prints_without_its_token() {
        let bearer = v1::BearerCredential { token: "canary-91c2".to_owned() };
        let answer = v1::GetAccessTokenResponse {
            credential: Some(v1::get_access_token_response::Credential::Bearer(bearer)),
            ..Default::default()
        };
        assert!(!format!("{answer:?}").contains("canary"));
    }
}
