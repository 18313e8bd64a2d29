//! Believes a token, or does not. Local: keys and the present instant are all it takes.

use std::time::Duration;

use lakegate_domain::Timestamp;

use crate::identifier::Fields;
use crate::token::decode_url;
use crate::{DelegationRefusal, Identifier, KeyRing, Renewals, TokenView};

/// When a token is presented, and what is known of renewals then.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// How far another broker's clock may be ahead of ours. It bears on the issue date only and extends nothing.
    pub skew: Duration,
    /// What is known of renewals.
    pub renewals: &'a dyn Renewals,
}

/// A token whose MAC was right. Only [`verify`] makes one; keep it, and ask [`Verified::check`] again each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    identifier: Identifier,
}

impl Verified {
    /// What the token says.
    pub fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// Until when it is good: its renew date, never beyond its max date.
    pub fn renew_before(&self, renewals: &dyn Renewals) -> Timestamp {
        let first = self.identifier.first_renew_date;
        let renewed = renewals.renewed_until(&self.identifier.id).unwrap_or(first);
        renewed.max(first).min(self.identifier.max_date)
    }

    /// Whether its dates allow it now. An instant that equals a date is past it.
    ///
    /// # Errors
    /// [`DelegationRefusal::Future`], [`DelegationRefusal::Expired`] or [`DelegationRefusal::NotRenewed`].
    pub fn check(&self, moment: &Moment<'_>) -> Result<(), DelegationRefusal> {
        let Identifier { issued, max_date, .. } = self.identifier;
        if issued > moment.now.plus(moment.skew) {
            return Err(DelegationRefusal::Future);
        }
        if moment.now >= max_date {
            return Err(DelegationRefusal::Expired);
        }
        if moment.now >= self.renew_before(moment.renewals) {
            return Err(DelegationRefusal::NotRenewed);
        }
        Ok(())
    }
}

/// Verifies a token from its url string.
///
/// Its form is read first, because the key's id stands in it; then the MAC is computed over the presented bytes, and
/// until it is right nothing that was read is believed.
///
/// # Errors
/// Why it is not believed.
pub fn verify(url: &str, ring: &KeyRing, moment: &Moment<'_>) -> Result<Verified, DelegationRefusal> {
    let bytes = decode_url(url).map_err(DelegationRefusal::Form)?;
    let view = TokenView::read_ours(&bytes).map_err(DelegationRefusal::Form)?;
    let fields = Fields::read(view.identifier).map_err(DelegationRefusal::Form)?;
    let ours = fields.cluster == ring.cluster();
    // Keys are derived per cluster, so another cluster's token never passes. What it claims only picks the word for it.
    let authentic = ring.check(fields.key, view.identifier, view.password);
    authentic.map_err(|refusal| if ours { refusal } else { DelegationRefusal::Cluster })?;
    if !ours {
        return Err(DelegationRefusal::Cluster);
    }
    let verified = Verified { identifier: fields.own().map_err(DelegationRefusal::Form)? };
    verified.check(moment)?;
    Ok(verified)
}

#[cfg(test)]
mod tests;
