//! Makes tokens.

use std::time::Duration;

use lakegate_domain::{Principal, Secret, Timestamp};

use crate::{Binding, Identifier, IssueError, KIND, KeyRing, TokenId, TokenView};

/// How long tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    renew_interval: i64,
    max_life: i64,
}

impl Terms {
    /// Tokens that must be renewed every `renew_interval` and end after `max_life`; both are cut to milliseconds.
    ///
    /// # Errors
    /// [`IssueError::Terms`] when the interval is nothing, or longer than the life.
    pub fn new(renew_interval: Duration, max_life: Duration) -> Result<Self, IssueError> {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).map_err(|_| IssueError::Terms);
        let terms = Self { renew_interval: millis(renew_interval)?, max_life: millis(max_life)? };
        if terms.renew_interval < 1 || terms.max_life < terms.renew_interval {
            return Err(IssueError::Terms);
        }
        Ok(terms)
    }

    /// How long a token is good that is issued or renewed.
    pub const fn renew_interval(&self) -> Duration {
        Duration::from_millis(self.renew_interval.unsigned_abs())
    }

    /// How long a token lives at most.
    pub const fn max_life(&self) -> Duration {
        Duration::from_millis(self.max_life.unsigned_abs())
    }

    /// Until when a token is good that is issued or renewed now: never beyond its max date.
    ///
    /// # Errors
    /// [`IssueError::Clock`] when that instant is outside the calendar.
    pub fn renew_date(&self, now: Timestamp, max_date: Timestamp) -> Result<Timestamp, IssueError> {
        Ok(later(now, self.renew_interval)?.min(max_date))
    }
}

impl Default for Terms {
    /// One day and seven, as Hadoop has them.
    fn default() -> Self {
        const DAY: i64 = 86_400_000;
        Self { renew_interval: DAY, max_life: 7 * DAY }
    }
}

/// The instant so much later, or an error: an expiry must not wrap around, nor stick at the end of time.
fn later(now: Timestamp, millis: i64) -> Result<Timestamp, IssueError> {
    now.as_millis().checked_add(millis).map(Timestamp::from_millis).ok_or(IssueError::Clock)
}

/// Who gets a token, and what tells it from others.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whose rights it carries.
    pub owner: Principal,
    /// Who may renew it; nobody when absent.
    pub renewer: Option<Principal>,
    /// Who really asks, when that is a proxy of the owner.
    pub real_user: Option<Principal>,
    /// Its own name.
    pub id: TokenId,
    /// Hadoop's counter, at most 2,147,483,647.
    pub sequence: u32,
    /// The epoch of the store, at most 2,147,483,647.
    pub store_epoch: u32,
    /// What the connection must prove over which it is presented; anybody's will do when absent.
    pub binding: Option<Binding>,
}

/// A fresh token.
#[derive(Debug)]
pub struct Issued {
    /// The token as a url string.
    pub token: Secret,
    /// What it says.
    pub identifier: Identifier,
    /// What it is bound to: under its MAC, and not in its bytes.
    pub binding: Option<Binding>,
}

/// Makes a token and signs it with the current key.
///
/// # Errors
/// [`IssueError::Clock`] when a date leaves the calendar, [`IssueError::Number`] when a number is too large,
/// [`IssueError::NoKey`] when the ring waits for its keys.
pub fn issue(draft: Draft, terms: &Terms, now: Timestamp, ring: &KeyRing) -> Result<Issued, IssueError> {
    let max_date = later(now, terms.max_life)?;
    if now.as_millis() < 0 {
        return Err(IssueError::Clock);
    }
    if [draft.sequence, draft.store_epoch].into_iter().any(|number| i32::try_from(number).is_err()) {
        return Err(IssueError::Number);
    }
    let identifier = Identifier {
        owner: draft.owner,
        renewer: draft.renewer,
        real_user: draft.real_user,
        issued: now,
        max_date,
        sequence: draft.sequence,
        key: ring.current().ok_or(IssueError::NoKey)?,
        cluster: ring.cluster().to_owned(),
        id: draft.id,
        first_renew_date: terms.renew_date(now, max_date)?,
        store_epoch: draft.store_epoch,
    };
    let bytes = identifier.to_bytes();
    let mac = ring.sign(&bytes, draft.binding.as_ref()).ok_or(IssueError::NoKey)?;
    let view = TokenView { identifier: &bytes, password: mac.as_ref(), kind: KIND, service: "" };
    Ok(Issued { token: Secret::new(view.to_url()), identifier, binding: draft.binding })
}

#[cfg(test)]
mod tests;
