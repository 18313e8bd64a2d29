//! Whether a point or a whole prefix is allowed, and until when.
//!
//! An allow rule never turns a point to deny, at no instant. So within a prefix only two kinds of points can be
//! worse than the prefix itself: those that a deny rule on an inner prefix reaches, and single objects with a
//! deny rule of their own. One point stands for all that the same rules reach.

use lakegate_domain::{OperationSet, RuleId, Timestamp};

use super::until::turns_to_deny;
use super::verdict::{Answers, deciding_deny};
use crate::compiled_rule::{CompiledRule, Ends};
use crate::posted::Denies;
use crate::subjects::CallerIds;
use crate::tree::Node;

/// What is asked of points: operations that must all be allowed, for whom and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) caller: &'a CallerIds<'a>,
    pub(crate) operations: OperationSet,
    pub(crate) now: Timestamp,
    pub(crate) ends: Ends,
}

/// Denied now, and by which rule, if by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Denied<'s>(pub(crate) Option<&'s RuleId>);

/// Allowed now, and until when, if not for ever; or denied.
pub(crate) type Standing<'s> = Result<Option<Timestamp>, Denied<'s>>;

/// The earlier of two ends, of which none means never.
pub(crate) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

impl Question<'_> {
    /// The standing of a point that exactly these rules reach.
    pub(crate) fn point<'s>(&self, rules: &[&'s CompiledRule]) -> Standing<'s> {
        let allowed = Answers::of(rules, self.now, self.ends).allowed();
        if allowed.is_superset(self.operations) {
            Ok(turns_to_deny(rules, self.operations, self.now, self.ends))
        } else {
            Err(Denied(deciding_deny(rules, self.operations, self.now, self.ends)))
        }
    }

    /// The standing of a prefix: `rules` stand on it and above it, `node` is its node, if it has one.
    pub(crate) fn prefix<'s>(&self, rules: &[&'s CompiledRule], node: Option<&'s Node>) -> Standing<'s> {
        let until = self.point(rules)?;
        match node {
            Some(node) if node.denies_inside(self.caller) => {
                Ok(earlier(until, self.inside(node, &mut rules.to_vec())?))
            }
            _ => Ok(until),
        }
    }

    /// The standing of what denies inside a prefix reach; `rules` are given back as they came.
    fn inside<'s>(&self, node: &'s Node, rules: &mut Vec<&'s CompiledRule>) -> Standing<'s> {
        let outer = rules.len();
        let mut until = None;
        if node.object_rules.collect(self.caller, rules) == Denies::Some {
            until = self.point(rules)?;
        }
        rules.truncate(outer);
        for child in node.guarded() {
            if child.prefix_rules.collect(self.caller, rules) == Denies::Some {
                until = earlier(until, self.point(rules)?);
            }
            if child.denies_inside(self.caller) {
                until = earlier(until, self.inside(child, rules)?);
            }
            rules.truncate(outer);
        }
        Ok(until)
    }
}
