//! Believes a token, or does not. Local: keys and the present instant are all it takes.

use std::time::Duration;

use lakegate_domain::Timestamp;

use crate::identifier::Fields;
use crate::token::decode_url;
use crate::{Binding, DelegationRefusal, Fate, Identifier, KeyRing, TokenView, Views};

/// When a token is presented, and what is known of tokens' lives then.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// How far another broker's clock may be ahead of ours. It bears on the issue date only and extends nothing.
    pub skew: Duration,
    /// What is known of renewals and cancellations.
    pub views: &'a dyn Views,
}

/// A token whose MAC was right. Only [`verify`] makes one; keep it, and ask [`Verified::check`] again each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    identifier: Identifier,
    binding: Option<Binding>,
}

impl Verified {
    /// What the token says.
    pub fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// What it is bound to.
    pub fn binding(&self) -> Option<Binding> {
        self.binding
    }

    /// Until when it is good: its renew date, never beyond its max date.
    pub fn renew_before(&self, views: &dyn Views) -> Timestamp {
        self.good_until(&views.fate(&self.identifier.id))
    }

    fn good_until(&self, fate: &Fate) -> Timestamp {
        let first = self.identifier.first_renew_date;
        fate.renewed_until.unwrap_or(first).max(first).min(self.identifier.max_date)
    }

    /// Whether its dates, and what became of it, allow it now. An instant that equals a date is past it.
    ///
    /// # Errors
    /// [`DelegationRefusal::Future`], [`DelegationRefusal::Expired`], [`DelegationRefusal::Cancelled`],
    /// [`DelegationRefusal::Epoch`] or [`DelegationRefusal::NotRenewed`].
    pub fn check(&self, moment: &Moment<'_>) -> Result<(), DelegationRefusal> {
        let Identifier { issued, max_date, store_epoch, .. } = self.identifier;
        if issued > moment.now.plus(moment.skew) {
            return Err(DelegationRefusal::Future);
        }
        if moment.now >= max_date {
            return Err(DelegationRefusal::Expired);
        }
        let fate = moment.views.fate(&self.identifier.id);
        if fate.cancelled {
            return Err(DelegationRefusal::Cancelled);
        }
        if store_epoch < fate.epoch {
            return Err(DelegationRefusal::Epoch);
        }
        if moment.now >= self.good_until(&fate) {
            return Err(DelegationRefusal::NotRenewed);
        }
        Ok(())
    }
}

/// Verifies a token from its url string, presented over a connection that proves these bindings.
///
/// # Errors
/// Why it is not believed.
pub fn verify(
    url: &str,
    ring: &KeyRing,
    bindings: &[Binding],
    moment: &Moment<'_>,
) -> Result<Verified, DelegationRefusal> {
    let verified = authentic(url, ring, bindings, moment.views)?;
    verified.check(moment)?;
    Ok(verified)
}

/// Whether a token is ours, whatever its dates: the first half of [`verify`].
///
/// Its form is read first, because the key's id stands in it; then the MAC is computed over the presented bytes, and
/// until it is right nothing that was read is believed.
///
/// # Errors
/// [`DelegationRefusal::Form`], [`DelegationRefusal::UnknownKey`], [`DelegationRefusal::Mac`],
/// [`DelegationRefusal::Cluster`], or [`DelegationRefusal::Bound`] for a token that is known to be bound and is shown
/// over another connection.
pub fn authentic(
    url: &str,
    ring: &KeyRing,
    bindings: &[Binding],
    views: &dyn Views,
) -> Result<Verified, DelegationRefusal> {
    let bytes = decode_url(url).map_err(DelegationRefusal::Form)?;
    let view = TokenView::read_ours(&bytes).map_err(DelegationRefusal::Form)?;
    let fields = Fields::read(view.identifier).map_err(DelegationRefusal::Form)?;
    let ours = fields.cluster == ring.cluster();
    // Keys are derived per cluster, so another cluster's token never passes. What it claims only picks the word for it.
    let authentic = ring.check(fields.key, view.identifier, view.password, bindings);
    let binding = authentic.map_err(|refusal| match refusal {
        _ if !ours => DelegationRefusal::Cluster,
        DelegationRefusal::Mac if is_bound(ring, &view, &fields, views) => DelegationRefusal::Bound,
        other => other,
    })?;
    if !ours {
        return Err(DelegationRefusal::Cluster);
    }
    Ok(Verified { identifier: fields.own().map_err(DelegationRefusal::Form)?, binding })
}

/// Verifies the MAC of a token that somebody names in a request and does not come by: a binding is looked up.
///
/// # Errors
/// As [`authentic`].
pub fn authentic_anywhere(
    url: &str,
    ring: &KeyRing,
    views: &dyn Views,
) -> Result<Verified, DelegationRefusal> {
    let id = crate::describe(url).map_err(DelegationRefusal::Form)?.identifier.id;
    let binding = views.binding(&id);
    authentic(url, ring, binding.as_slice(), views)
}

/// Whether a token with a wrong MAC has the right one for what it is bound to.
fn is_bound(ring: &KeyRing, view: &TokenView<'_>, fields: &Fields<'_>, views: &dyn Views) -> bool {
    let binding = views.binding(&fields.id());
    binding.is_some_and(|binding| {
        ring.check(fields.key, view.identifier, view.password, &[binding]).is_ok_and(|found| found.is_some())
    })
}

#[cfg(test)]
mod tests;
