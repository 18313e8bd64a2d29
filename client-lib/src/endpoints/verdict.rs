//! What an error says about the broker that gave it, and about asking another one.

use std::time::Duration;

use lakegate_proto::reason;

use crate::error::ClientError;

/// How long the cloud's token service gets when the broker did not say.
const TOKEN_SERVICE_PAUSE: Duration = Duration::from_secs(1);

/// What to make of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is an answer: asking again, here or elsewhere, would bring the same. A caller over its limit is answered
    /// too; another broker must not be a way around a limit.
    Final,
    /// This broker cannot be reached: another one at once.
    Unreachable,
    /// This broker cannot serve anybody and said for how long to leave it: another one at once.
    Closed(Duration),
    /// This broker cannot serve this request, and perhaps others: another one at once, or any one after this.
    Passed(Duration),
    /// What the broker stands on is down: any broker, after this.
    Later(Duration),
    /// The broker took too long: another one, once.
    Silent,
    /// The broker failed at this request: another one, once.
    Fault,
}

impl Verdict {
    pub(super) fn of(error: &ClientError) -> Self {
        match error {
            ClientError::Connect(_) | ClientError::Handshake(_) => Self::Unreachable,
            ClientError::Timeout => Self::Silent,
            ClientError::BrokerFault(_) => Self::Fault,
            ClientError::Unavailable { refusal, retry_after } => match (refusal.reason, retry_after) {
                (Some(reason::TOKEN_SERVICE_UNAVAILABLE), pause) => {
                    Self::Later(pause.unwrap_or(TOKEN_SERVICE_PAUSE))
                }
                (Some(reason::DRAINING | reason::AUDIT_UNAVAILABLE), Some(pause)) => Self::Closed(*pause),
                // A policy may be too old for one class and not for another.
                (_, Some(pause)) => Self::Passed(*pause),
                // Brokers always say; this was something between us and them.
                (_, None) => Self::Unreachable,
            },
            _ => Self::Final,
        }
    }
}
