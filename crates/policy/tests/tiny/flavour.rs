//! What a rule of the small world says, its target left open.

use lakegate_domain::{GroupName, OperationSet, Principal, RuleId, Target, Timestamp};
use lakegate_policy::{Effect, Priority, Rule, RuleTarget, Subject, Window};

/// When the edge of all windows is, in seconds.
const EDGE: i64 = 1_000_000;

/// Half an hour before the edge: within the life of a token of the class `default`, beyond one of the class `short`.
pub(crate) fn before_edge() -> Timestamp {
    Timestamp::from_seconds(EDGE - 1800)
}

/// The edge itself.
pub(crate) fn edge() -> Timestamp {
    Timestamp::from_seconds(EDGE)
}

/// A rule without its target.
#[derive(Debug, Clone)]
pub(crate) struct Flavour {
    pub(crate) effect: Effect,
    pub(crate) operations: OperationSet,
    pub(crate) when: When,
    pub(crate) priority: Priority,
    /// Whom it is addressed to: there is a rule for each.
    pub(crate) who: Vec<Who>,
}

/// Whom a rule concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    P,
    Q,
    Group,
    GroupUnlessP,
}

impl Who {
    /// The same with the two principals exchanged.
    pub(crate) fn exchanged(self) -> Self {
        match self {
            Self::P => Self::Q,
            Self::Q => Self::P,
            Self::Group => Self::Group,
            Self::GroupUnlessP => unreachable!("no world that exchanges principals names one in `unless`"),
        }
    }
}

/// When a rule is in force.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Always,
    BeforeEdge,
    FromEdge,
}

impl Flavour {
    pub(crate) fn rule(&self, id: &RuleId, target: &Target, who: Who) -> Rule {
        let p = || Subject::Principal(Principal::parse("p").unwrap());
        let q = || Subject::Principal(Principal::parse("q").unwrap());
        let g = || Subject::Group(GroupName::parse("g").unwrap());
        let (to, unless) = match who {
            Who::P => (vec![p()], vec![]),
            Who::Q => (vec![q()], vec![]),
            Who::Group => (vec![g()], vec![]),
            Who::GroupUnlessP => (vec![g()], vec![p()]),
        };
        let edge = Some(Timestamp::from_seconds(EDGE));
        let past = Some(Timestamp::from_seconds(EDGE - 7200));
        let windows = match self.when {
            When::Always => vec![],
            When::BeforeEdge => vec![Window { from: past, until: edge }],
            When::FromEdge => vec![Window { from: edge, until: None }],
        };
        Rule {
            id: id.clone(),
            effect: self.effect,
            on: match target {
                Target::Prefix(prefix) => RuleTarget::Prefix(prefix.clone()),
                Target::Object(object) => RuleTarget::Object(object.clone()),
            },
            to,
            unless,
            operations: self.operations.iter().collect(),
            windows,
            priority: self.priority,
            overrun_seconds: 0,
            allow_everyone: false,
        }
    }
}
