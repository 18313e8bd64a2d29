//! Home, candidates, rounding and the union of parts: the second half of the page, over a [`View`]'s table.

use std::rc::Rc;

use super::{
    Answer, Attribution, Class, ClassName, Duration, Effect, Granted, Line, Operation, OperationSet, Part,
    Prefix, Staleness, StorageRule, Target, Timestamp, View, closure, covers, default_class, paths,
};
use lakegate_policy::Dataset;

/// Something that may become a scope's target, with the names that it covers.
struct Candidate {
    target: Target,
    points: Rc<[usize]>,
}

/// What one part of a request came to.
struct Choice<'a> {
    part: Part,
    class: Class,
    home: Option<&'a Dataset>,
    until: Option<Timestamp>,
}

impl View<'_> {
    /// The answer to a request.
    pub(crate) fn decide(&self, parts: &[Part]) -> Answer {
        if !(1..=4).contains(&parts.len()) {
            return Answer::PartCount;
        }
        let storages: Option<Vec<&StorageRule>> =
            parts.iter().map(|part| self.reference.storage_of(part.target())).collect();
        let Some(storages) = storages else {
            return if parts.len() == 1 { Answer::UnknownBucket } else { Answer::Denied };
        };
        let choose = |(storage, part): (&&StorageRule, &Part)| self.choose(storage, part);
        let choices: Vec<_> = storages.iter().zip(parts).map(choose).collect();
        // Policy has not said yes while one part is denied, so a denial goes before any reason that tells more.
        if choices.iter().any(|choice| matches!(choice, Err(Answer::Denied))) {
            return Answer::Denied;
        }
        if storages.iter().any(|other| other.id != storages[0].id) {
            return Answer::SeveralStorages;
        }
        match choices.into_iter().collect::<Result<Vec<_>, _>>() {
            Ok(choices) => Answer::Grant(Box::new(self.union(storages[0], &choices))),
            Err(refusal) => refusal,
        }
    }

    /// One part, by the five steps of the page.
    fn choose(&self, storage: &StorageRule, part: &Part) -> Result<Choice<'_>, Answer> {
        let (target, asked) = (part.target(), part.operations());
        let (home, dataset) = self.home(target);
        let class_name = dataset.and_then(|dataset| dataset.class.clone()).unwrap_or_else(default_class);
        let class = self.reference.class(&class_name);
        let candidates: Vec<Candidate> = self.candidates(target, home.as_ref());
        let may = |candidate: &Candidate, operations| {
            self.is_allowed(candidate, closure(storage.dialect, operations))
        };
        let until = |candidate: &Candidate, operations| {
            end_in(&self.table, &candidate.points, closure(storage.dialect, operations))
        };
        let is_candidate = |candidate: &&Candidate| {
            may(candidate, asked) && self.is_of_one_class(&candidate.target, &class_name)
        };

        let narrowest = match target {
            Target::Object(_) if asked.contains(Operation::List) => candidates.iter().rfind(is_candidate),
            _ => candidates.last().filter(is_candidate),
        };
        let Some(narrowest) = narrowest else {
            let separable = candidates.iter().any(|candidate| may(candidate, asked));
            let apart = candidates.iter().any(|candidate| self.is_allowed(candidate, asked));
            return Err(if !separable && apart { Answer::NotSeparable } else { Answer::Denied });
        };
        let token_end = earliest([until(narrowest, asked), Some(self.now.plus(class.token_life()))]).unwrap();
        let lasts = |candidate: &Candidate, operations| {
            until(candidate, operations).is_none_or(|end| end >= token_end)
        };
        let chosen =
            candidates.iter().filter(is_candidate).find(|candidate| lasts(candidate, asked)).unwrap();
        let rounded = operation_sets(storage)
            .into_iter()
            .filter(|set| !storage.exact_operations && set.is_superset(asked))
            .find(|set| may(chosen, *set) && lasts(chosen, *set));
        let operations = rounded.unwrap_or(asked);
        let part = Part::new(chosen.target.clone(), operations).unwrap();
        Ok(Choice { until: until(chosen, operations), part, class, home: dataset })
    }

    /// The prefixes from the home downwards that cover the target, and the target itself.
    fn candidates(&self, target: &Target, home: Option<&Prefix>) -> Vec<Candidate> {
        let mut targets: Vec<Target> = Vec::new();
        if let Some(home) = home {
            let below = paths::covering(target).into_iter().filter(|prefix| home.covers_prefix(prefix));
            targets.extend(below.map(Target::Prefix));
        }
        if matches!(target, Target::Object(_)) {
            targets.push(target.clone());
        }
        let candidate = |target| Candidate { points: self.reference.points.covered_by(&target), target };
        targets.into_iter().map(candidate).collect()
    }

    /// The home's prefix, and its dataset when it is one.
    fn home(&self, target: &Target) -> (Option<Prefix>, Option<&Dataset>) {
        let datasets = self.reference.document.datasets.iter();
        let deepest = datasets.filter(|d| covers(&d.prefix, target)).max_by_key(|d| d.prefix.key().len());
        if let Some(dataset) = deepest {
            return (Some(dataset.prefix.clone()), Some(dataset));
        }
        let allowing = self.concerning.iter().filter(|s| s.rule.effect == Effect::Allow);
        let prefixes = allowing.filter_map(|s| match &s.target {
            Target::Prefix(prefix) => Some(prefix),
            Target::Object(_) => None,
        });
        let deepest =
            prefixes.filter(|prefix| covers(prefix, target)).max_by_key(|prefix| prefix.key().len());
        (deepest.cloned(), None)
    }

    /// Whether everything in the candidate is allowed now; a listing never is at an object.
    fn is_allowed(&self, candidate: &Candidate, operations: OperationSet) -> bool {
        let is_object = matches!(candidate.target, Target::Object(_));
        let listed_object = is_object && operations.contains(Operation::List);
        !listed_object && holds(&self.table[0], &candidate.points, operations)
    }

    fn is_of_one_class(&self, target: &Target, class: &ClassName) -> bool {
        let Target::Prefix(prefix) = target else { return true };
        let mut inside = self.reference.document.datasets.iter().filter(|d| prefix.covers_prefix(&d.prefix));
        inside.all(|dataset| dataset.class.as_ref().unwrap_or(&default_class()) == class)
    }

    /// The union of the parts' scopes.
    fn union(&self, storage: &StorageRule, choices: &[Choice<'_>]) -> Granted {
        let mut parts: Vec<Part> = choices.iter().map(|choice| choice.part.clone()).collect();
        parts.sort();
        parts.dedup();
        let all = parts.clone();
        parts.retain(|part| !all.iter().any(|other| other != part && other.covers(part)));
        let mut classes: Vec<ClassName> = choices.iter().map(|choice| choice.class.name.clone()).collect();
        classes.sort();
        classes.dedup();
        let token_life = choices.iter().map(|choice| choice.class.token_life()).min().unwrap();
        let attribution = choices.iter().map(|choice| choice.class.attribution).max().unwrap();
        let until = earliest(choices.iter().map(|choice| choice.until));
        let outlived = until.filter(|end| *end < self.now.plus(token_life));
        let home_is_whole = |home: &Dataset| parts[0].target() == &Target::Prefix(home.prefix.clone());
        let plain = parts.len() == 1
            && choices.iter().any(|c| c.part == parts[0] && c.home.is_some_and(home_is_whole))
            && operation_sets(storage).contains(&parts[0].operations())
            && outlived.is_none();
        let mut datasets: Vec<_> =
            choices.iter().filter_map(|c| c.home).map(|home| home.name.clone()).collect();
        datasets.sort();
        datasets.dedup();
        let per_principal = attribution == Attribution::PerPrincipal;
        Granted {
            storage: storage.id.clone(),
            closure: closure(
                storage.dialect,
                parts.iter().flat_map(|part| part.operations().iter()).collect(),
            ),
            overrun_until: until.and_then(|_| self.overrun(storage, &parts, token_life)),
            parts,
            classes,
            token_life,
            attribution,
            staleness: choices.iter().map(|choice| choice.class.staleness).max().unwrap_or(Staleness::Strict),
            attributed_to: per_principal.then(|| self.caller.principal().clone()),
            until,
            ended: outlived,
            narrowed: !plain,
            datasets,
        }
    }

    /// `until` of the whole scope, every overrun granted.
    fn overrun(&self, storage: &StorageRule, parts: &[Part], life: Duration) -> Option<Timestamp> {
        let table = self.table(life);
        earliest(parts.iter().map(|part| {
            let points = self.reference.points.covered_by(part.target());
            end_in(&table, &points, closure(storage.dialect, part.operations()))
        }))
    }
}

/// The earliest later instant at which something among the points is denied.
fn end_in(table: &[Line], points: &[usize], operations: OperationSet) -> Option<Timestamp> {
    let later = table.iter().skip(1);
    later.filter(|line| !holds(line, points, operations)).map(|(instant, _)| *instant).next()
}

/// Whether every operation is allowed at every one of the points, by one line of a table.
fn holds((_, allowed): &Line, points: &[usize], operations: OperationSet) -> bool {
    points.iter().all(|point| allowed[*point].is_superset(operations))
}

/// The storage's operation sets, by size and then by bits.
fn operation_sets(storage: &StorageRule) -> Vec<OperationSet> {
    let mut sets: Vec<OperationSet> = match &storage.operation_sets {
        Some(written) => written.iter().map(|set| OperationSet::of(set)).collect(),
        None => vec![OperationSet::of(&[Operation::Read, Operation::List]), OperationSet::ALL],
    };
    sets.sort_by_key(|set| (set.len(), set.bits()));
    sets
}

/// The earliest of some ends, of which none means never.
fn earliest(ends: impl IntoIterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    ends.into_iter().flatten().min()
}
