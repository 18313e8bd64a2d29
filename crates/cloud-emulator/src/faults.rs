//! Misbehaviour on demand: what the pretend cloud does wrong, where, and for how many calls.

mod apply;
mod rewrite;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Endpoint;

pub(crate) use apply::{IgnoreBoundary, misbehave};

/// One way to misbehave. Variants about tokens change a good answer of a token endpoint and leave other answers
/// as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error status with a body in the endpoint's own shape, and `Retry-After` when given.
    Status {
        /// The HTTP status, such as 429, 500 or 503.
        code: u16,
        /// The text of `Retry-After`, sensible or not.
        retry_after: Option<String>,
    },
    /// 200 with exactly this body, as JSON.
    Body(Vec<u8>),
    /// 200 with an HTML page.
    Html,
    /// 200 with JSON that breaks off in the middle but whose length is right.
    MalformedJson,
    /// The good answer's headers, then half of its body, then the end of the connection.
    TruncatedBody,
    /// 200 with a body of so many bytes.
    HugeBody(usize),
    /// The good answer, one byte at a time with this pause between.
    SlowDrip(Duration),
    /// The connection is reset (RST) instead of an answer.
    ConnectionReset,
    /// 307 to this address.
    Redirect(String),
    /// Another expiry than the true one.
    Expiry(Expiry),
    /// Another `token_type`.
    TokenType(String),
    /// An empty access token.
    EmptyAccessToken,
    /// An access token with CR and LF in it.
    AccessTokenWithLineBreak,
    /// An access token of so many characters.
    LongAccessToken(usize),
    /// The good answer with an `error` member beside the token.
    ResultAndError,
    /// The exchange ignores the boundary: the token can do what its source can (STS only).
    BoundaryIgnored,
}

/// What stands in `expires_in`, or in `expireTime` for the IAM endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing.
    Missing,
    /// So many seconds: zero, negative and absurd values included; for IAM the instant so far from now.
    Seconds(i64),
    /// A JSON string.
    Text(String),
}

/// The handle to a running emulator's misbehaviour; clones steer the same emulator.
#[derive(Debug, Clone, Default)]
pub struct FaultControl {
    plans: Arc<Mutex<HashMap<Endpoint, Plan>>>,
}

#[derive(Debug, Default)]
struct Plan {
    delay: Duration,
    next: VecDeque<Fault>,
    standing: Option<Fault>,
}

impl FaultControl {
    /// Misbehaves so at the endpoint's next `calls` calls, after those already planned.
    pub fn next_calls(&self, endpoint: Endpoint, fault: &Fault, calls: usize) {
        let mut plans = self.lock();
        let plan = plans.entry(endpoint).or_default();
        plan.next.extend(std::iter::repeat_n(fault.clone(), calls));
    }

    /// Misbehaves so at every call of the endpoint that no [`FaultControl::next_calls`] claims, until cleared.
    pub fn until_cleared(&self, endpoint: Endpoint, fault: Fault) {
        self.lock().entry(endpoint).or_default().standing = Some(fault);
    }

    /// Waits so long before every answer of the endpoint, faults included; zero ends it.
    pub fn delay(&self, endpoint: Endpoint, by: Duration) {
        self.lock().entry(endpoint).or_default().delay = by;
    }

    /// The endpoint behaves again, at once and with no delay.
    pub fn clear(&self, endpoint: Endpoint) {
        self.lock().remove(&endpoint);
    }

    /// Every endpoint behaves again.
    pub fn clear_all(&self) {
        self.lock().clear();
    }

    /// What to do at this call, and after how long.
    fn take(&self, endpoint: Endpoint) -> (Duration, Option<Fault>) {
        let mut plans = self.lock();
        let Some(plan) = plans.get_mut(&endpoint) else { return (Duration::ZERO, None) };
        (plan.delay, plan.next.pop_front().or_else(|| plan.standing.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_faults_come_in_order_and_before_the_standing_one() {
        let faults = FaultControl::default();
        faults.until_cleared(Endpoint::Sts, Fault::Html);
        faults.next_calls(Endpoint::Sts, &Fault::MalformedJson, 2);
        faults.delay(Endpoint::Sts, Duration::from_secs(1));
        let second = Duration::from_secs(1);
        assert_eq!(faults.take(Endpoint::Sts), (second, Some(Fault::MalformedJson)));
        assert_eq!(faults.take(Endpoint::Sts), (second, Some(Fault::MalformedJson)));
        assert_eq!(faults.take(Endpoint::Sts), (second, Some(Fault::Html)));
        assert_eq!(faults.take(Endpoint::Oauth), (Duration::ZERO, None));
        faults.clear(Endpoint::Sts);
        assert_eq!(faults.take(Endpoint::Sts), (Duration::ZERO, None));
    }
}
