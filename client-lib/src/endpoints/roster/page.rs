//! What is known of one broker, and how it stands by that.
//!
//! Whatever happened carries a number, as attempts do: the page tells old news from new by them.

use std::time::Duration;

use tokio::time::Instant;

use super::Attempt;
use crate::endpoints::pause::leave;
use crate::error::ClientError;

/// How long the one request that tries a broker again keeps all others away from it.
pub(super) const TRIAL: Duration = Duration::from_secs(2);
/// A broker that fails at so many requests in a row, whatever they ask, is left alone.
const FAULTS: u32 = 5;

/// What is known of a broker. What changes it tells whether the broker was left or came back by that.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    /// Failures since the broker was last heard.
    strikes: u32,
    /// Requests in a row at which the broker failed.
    faults: u32,
    /// When it was last heard and last failed.
    heard: u64,
    struck: u64,
    /// When a request last set out to find whether it is lost.
    scouted: u64,
    shut: Option<Shut>,
    /// Until when requests ask others first, and since when.
    passed: Option<(Instant, u64)>,
    /// What it last failed with.
    error: Option<ClientError>,
}

/// Until when a broker is left alone.
#[derive(Debug, Clone, Copy)]
struct Shut {
    until: Instant,
    since: u64,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It failed.
    Failed,
    /// It asked for it.
    Asked,
    /// One request tries it again.
    Tried,
}

/// How a broker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    /// It was left alone long enough.
    Due,
    /// It refused others lately.
    Passed,
    /// It is left alone until then.
    Shut(Instant),
}

impl Standing {
    /// The order in which brokers help a request that is in trouble; none for those that cannot.
    pub(super) fn rank(self) -> Option<u8> {
        match self {
            Self::Open => Some(0),
            Self::Due => Some(1),
            Self::Passed => Some(2),
            Self::Shut(_) => None,
        }
    }
}

impl Page {
    pub(super) fn standing(&self, now: Instant) -> Standing {
        match (self.shut, self.passed) {
            (Some(shut), _) if shut.until > now => Standing::Shut(shut.until),
            (Some(_), _) => Standing::Due,
            (None, Some((until, _))) if until > now => Standing::Passed,
            (None, _) => Standing::Open,
        }
    }

    /// An attempt begins. At a broker that was left alone it is a trial, which keeps all others away.
    pub(super) fn begin(&mut self, number: u64, now: Instant) {
        if self.shut.is_some() {
            self.shut = Some(Shut { until: now + TRIAL, since: number, why: Why::Tried });
        }
    }

    /// The broker answered.
    pub(super) fn answer(&mut self, attempt: &Attempt, event: u64) -> bool {
        self.faults = 0;
        self.hear(attempt, event)
    }

    /// The broker failed at this request.
    pub(super) fn fault(&mut self, (attempt, event): (&Attempt, u64), error: &ClientError) -> bool {
        self.faults += 1;
        self.error = Some(error.clone());
        if self.faults >= FAULTS { self.strike(attempt, event) } else { self.hear(attempt, event) }
    }

    /// The broker was not heard.
    pub(super) fn fail(&mut self, (attempt, event): (&Attempt, u64), error: &ClientError) -> bool {
        self.error = Some(error.clone());
        self.strike(attempt, event)
    }

    /// The broker asked to be left alone.
    pub(super) fn close(&mut self, event: u64, until: Instant, error: &ClientError) -> bool {
        self.heard = event;
        self.error = Some(error.clone());
        let until = self.asked_until().map_or(until, |asked| asked.max(until));
        self.shut = Some(Shut { until, since: event, why: Why::Asked });
        true
    }

    /// The broker refused a request and may refuse others.
    pub(super) fn pass(&mut self, (attempt, event): (&Attempt, u64), until: Instant) -> bool {
        let opened = self.hear(attempt, event);
        self.passed = Some((until, event));
        opened
    }

    /// Whether the broker has failed and not been heard since the attempt began.
    pub(super) fn is_lost(&self, attempt: &Attempt) -> bool {
        self.strikes > 0 && self.heard < attempt.number
    }

    /// Whether the attempt is the first to find out that the broker has not been heard since it began.
    pub(super) fn scout(&mut self, attempt: &Attempt, event: u64) -> bool {
        let first = self.heard < attempt.number && self.scouted < attempt.number;
        if first {
            self.scouted = event;
        }
        first
    }

    /// What a broker that is left alone last failed with, and when.
    pub(super) fn failure(&self) -> Option<(u64, &ClientError)> {
        let error = self.error.as_ref().filter(|_| self.shut.is_some())?;
        Some((self.struck.max(self.heard), error))
    }

    /// Opens the page of a broker that was heard, unless it asked to be left alone after this attempt began. Tells
    /// whether it was shut.
    fn hear(&mut self, attempt: &Attempt, event: u64) -> bool {
        self.heard = event;
        self.strikes = 0;
        let stays = |shut: &Shut| shut.why == Why::Asked && shut.since > attempt.number;
        self.passed = self.passed.filter(|(_, since)| *since > attempt.number);
        let was_shut = self.shut.is_some();
        self.shut = self.shut.filter(stays);
        was_shut && self.shut.is_none()
    }

    /// Shuts the page of a broker that failed, once for all attempts that were under way. Tells whether it did.
    fn strike(&mut self, attempt: &Attempt, event: u64) -> bool {
        if self.heard > attempt.number || self.struck > attempt.number {
            return false;
        }
        self.strikes = self.strikes.saturating_add(1);
        self.struck = event;
        let until = Instant::now() + leave(self.strikes);
        if self.asked_until().is_none_or(|asked| asked < until) {
            self.shut = Some(Shut { until, since: event, why: Why::Failed });
        }
        true
    }

    /// Until when the broker itself asked to be left alone.
    fn asked_until(&self) -> Option<Instant> {
        self.shut.filter(|shut| shut.why == Why::Asked).map(|shut| shut.until)
    }
}
