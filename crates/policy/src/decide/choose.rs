//! The scope of one part: the widest prefix from the home downwards that qualifies, and its operations.

use std::time::Duration;

use lakegate_domain::{Operation, OperationSet, Part, Target, Timestamp};

use super::lineage::{Home, Lineage};
use super::qualify::{Denied, Question, Standing, earlier};
use crate::closure::closure;
use crate::compile::{CompiledDataset, CompiledStorage};
use crate::compiled_rule::Ends;
use crate::subjects::CallerIds;
use crate::{Class, Refusal, Snapshot};

/// What was chosen for a part.
#[derive(Debug)]
pub(crate) struct Chosen<'s> {
    pub(crate) part: Part,
    pub(crate) storage: &'s CompiledStorage,
    pub(crate) class: &'s Class,
    pub(crate) dataset: Option<&'s CompiledDataset>,
    pub(crate) until: Option<Timestamp>,
    /// Whether the part is the home dataset's whole prefix, with one of the storage's operation sets.
    pub(crate) is_plain: bool,
    choice: Choice<'s>,
    candidate: Candidate,
}

impl Chosen<'_> {
    /// `until` with the overrun that rules carry, of which at most `cap` counts.
    pub(crate) fn overrun_until(&self, cap: Duration) -> Option<Timestamp> {
        self.choice.overrun_until(self.candidate, self.part.operations(), self.until, cap)
    }
}

/// Something that may become the scope's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    /// The prefix of a level.
    Level(usize),
    /// The target, an object.
    Object,
}

/// Chooses for one part.
pub(crate) fn choose<'s>(
    snapshot: &'s Snapshot,
    caller: &'s CallerIds<'s>,
    part: &'s Part,
    now: Timestamp,
) -> Result<Chosen<'s>, Refusal> {
    let tree = snapshot.trees.get(part.target().bucket()).ok_or(Refusal::UnknownBucket)?;
    let lineage = Lineage::trace(tree, part.target(), caller);
    let home = lineage.home();
    let dataset = home.and_then(|home| home.dataset);
    let class = dataset.map_or(&*snapshot.default_class, |dataset| &dataset.class);
    let choice = Choice { lineage, home, class, caller, now };
    let must_last = choice.own_end(part.operations())?;
    let candidate = choice.widest(part.operations(), must_last);
    let (operations, until) = choice.rounded(candidate, part.operations(), must_last);
    let at_home = dataset.is_some() && home.is_some_and(|home| candidate == Candidate::Level(home.level));
    Ok(Chosen {
        part: Part::new(choice.target(candidate), operations).map_err(|_| Refusal::Denied { rule: None })?,
        storage: &tree.storage,
        class,
        dataset,
        until,
        is_plain: at_home && tree.storage.sets.contains(&operations),
        choice,
        candidate,
    })
}

/// One part's choice.
#[derive(Debug)]
struct Choice<'s> {
    lineage: Lineage<'s>,
    home: Option<Home<'s>>,
    class: &'s Class,
    caller: &'s CallerIds<'s>,
    now: Timestamp,
}

impl<'s> Choice<'s> {
    fn storage(&self) -> &'s CompiledStorage {
        &self.lineage.tree.storage
    }

    fn closure(&self, operations: OperationSet) -> OperationSet {
        closure(self.storage().rule.dialect, operations)
    }

    /// The standing of a candidate for operations as they stand, without closure.
    fn standing(&self, candidate: Candidate, operations: OperationSet, ends: Ends) -> Standing<'s> {
        let question = Question { caller: self.caller, operations, now: self.now, ends };
        match candidate {
            Candidate::Level(level) => {
                let (rules, node) = self.lineage.level(level);
                question.prefix(rules, node)
            }
            Candidate::Object if operations.contains(Operation::List) => Err(Denied(None)),
            Candidate::Object => question.point(&self.lineage.object_rules(self.caller)),
        }
    }

    fn is_of_one_class(&self, candidate: Candidate) -> bool {
        match candidate {
            Candidate::Object => true,
            Candidate::Level(level) => {
                self.lineage.level(level).1.is_none_or(|node| node.is_of_class(&self.class.name))
            }
        }
    }

    /// The narrowest that can serve: the target itself, but a prefix when an object is to be listed.
    fn narrowest(&self, asked: OperationSet) -> Candidate {
        match self.lineage.target() {
            Target::Object(_) if !asked.contains(Operation::List) => Candidate::Object,
            _ => Candidate::Level(self.lineage.innermost()),
        }
    }

    /// The instant up to which a scope must last: the end of a token's whole life, or that of what was asked for.
    ///
    /// What the narrowest is denied, everything wider is denied too, so a refusal is found here.
    fn own_end(&self, asked: OperationSet) -> Result<Timestamp, Refusal> {
        let narrowest = self.narrowest(asked);
        let closed = self.closure(asked);
        match self.standing(narrowest, closed, Ends::AsWritten) {
            Ok(until) if self.is_of_one_class(narrowest) => {
                let life_ends = self.now.plus(self.class.token_life());
                Ok(until.map_or(life_ends, |until| until.min(life_ends)))
            }
            Ok(_) => Err(Refusal::Denied { rule: None }),
            Err(Denied(by)) => {
                if closed != asked && self.standing(narrowest, asked, Ends::AsWritten).is_ok() {
                    return Err(Refusal::NotSeparable { asked, closure: closed });
                }
                Err(Refusal::Denied { rule: by.cloned() })
            }
        }
    }

    /// The standing of a candidate for the closure of operations; denied also when it does not last long enough.
    fn lasting(&self, candidate: Candidate, operations: OperationSet, must_last: Timestamp) -> Standing<'s> {
        let until = self.standing(candidate, self.closure(operations), Ends::AsWritten)?;
        if until.is_none_or(|until| until >= must_last) { Ok(until) } else { Err(Denied(None)) }
    }

    fn widest(&self, asked: OperationSet, must_last: Timestamp) -> Candidate {
        let levels = self.home.into_iter().flat_map(|home| home.level..=self.lineage.innermost());
        levels
            .map(Candidate::Level)
            .find(|candidate| {
                self.is_of_one_class(*candidate) && self.lasting(*candidate, asked, must_last).is_ok()
            })
            .unwrap_or_else(|| self.narrowest(asked))
    }

    /// The smallest configured set that the caller may have there, or what was asked; and its end.
    fn rounded(
        &self,
        candidate: Candidate,
        asked: OperationSet,
        must_last: Timestamp,
    ) -> (OperationSet, Option<Timestamp>) {
        let storage = self.storage();
        let sets: &[OperationSet] = if storage.rule.exact_operations { &[] } else { &storage.sets };
        sets.iter()
            .filter(|set| set.is_superset(asked))
            .find_map(|set| Some((*set, self.lasting(candidate, *set, must_last).ok()?)))
            .unwrap_or_else(|| (asked, self.lasting(candidate, asked, must_last).unwrap_or(Some(must_last))))
    }

    fn overrun_until(
        &self,
        candidate: Candidate,
        operations: OperationSet,
        until: Option<Timestamp>,
        cap: Duration,
    ) -> Option<Timestamp> {
        let until = until?;
        let ends = Ends::Overrun(cap);
        match self.standing(candidate, self.closure(operations), ends) {
            Ok(later) => later.map(|later| later.max(until)),
            Err(_) => Some(until),
        }
    }

    fn target(&self, candidate: Candidate) -> Target {
        match (candidate, self.home) {
            (Candidate::Object, _) => self.lineage.target().clone(),
            (Candidate::Level(level), Some(Home { level: home, dataset: Some(dataset) }))
                if level == home =>
            {
                Target::Prefix(dataset.prefix.clone())
            }
            (Candidate::Level(level), _) => Target::Prefix(self.lineage.prefix(level)),
        }
    }
}

/// The earliest end of several.
pub(crate) fn earliest(ends: impl Iterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    ends.fold(None, earlier)
}
