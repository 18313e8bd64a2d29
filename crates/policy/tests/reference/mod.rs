//! A slow and obvious reading of `docs/scopes.md`, point by point: no tree, no interning, no summaries.
//!
//! A [`Reference`] knows a document and a finite universe of object names; a [`View`] is what one caller sees of
//! it at one instant, written down as a table of allowed operations per instant and point. The answers are those
//! the engine must give. It was written from the page and not from the engine, and must stay so.

use std::collections::BTreeSet;
use std::time::Duration;

use lakegate_domain::{
    Bucket, Caller, ClassName, Dialect, GroupName, Operation, OperationSet, Part, Prefix, Target, Timestamp,
};
use lakegate_policy::{
    Attribution, Class, Effect, Grant, PolicyDocument, Rule, Staleness, StorageRule, Subject,
};

mod answer;
mod choosing;
pub(crate) mod paths;
mod points;

pub(crate) use answer::{Answer, Granted};
pub(crate) use points::Points;

/// A rule as it counts: its target without dataset names, its operations with what an allowed `write` brings.
struct Statement<'a> {
    rule: &'a Rule,
    target: Target,
    operations: OperationSet,
}

/// A document over a finite universe of object names.
pub(crate) struct Reference<'a> {
    document: &'a PolicyDocument,
    points: &'a Points,
    storages: Vec<(&'a StorageRule, Vec<Bucket>)>,
    statements: Vec<Statement<'a>>,
}

impl<'a> Reference<'a> {
    pub(crate) fn new(document: &'a PolicyDocument, points: &'a Points) -> Self {
        let storages =
            document.storages.iter().map(|storage| (storage, storage.parsed_buckets().unwrap())).collect();
        let mut reference = Self { document, points, storages, statements: Vec::new() };
        for rule in &document.rules {
            let target = paths::rule_target(document, rule);
            let mut operations: OperationSet = rule.operations.iter().copied().collect();
            if rule.effect == Effect::Allow && operations.contains(Operation::Write) {
                operations = operations.with(Operation::Create);
            }
            let storage = reference.storage_of(&target);
            if rule.effect == Effect::Allow && storage.is_some_and(|storage| storage.traverse) {
                reference.statements.extend(paths::ancestors(&target).into_iter().map(|object| Statement {
                    rule,
                    target: Target::Object(object),
                    operations: OperationSet::of(&[Operation::Read]),
                }));
            }
            reference.statements.push(Statement { rule, target, operations });
        }
        reference
    }

    /// What the caller sees at an instant.
    pub(crate) fn view(&'a self, caller: &'a Caller, now: Timestamp) -> View<'a> {
        let rules = self.concerning(caller);
        let concerns = |s: &&Statement| rules.iter().any(|rule| std::ptr::eq(*rule, s.rule));
        let concerning = self.statements.iter().filter(concerns).collect();
        let mut view = View { reference: self, caller, now, concerning, table: Vec::new() };
        view.table = view.table(Duration::ZERO);
        view
    }

    /// The rules that concern the caller.
    pub(crate) fn concerning(&self, caller: &Caller) -> Vec<&'a Rule> {
        let groups = self.groups_of(caller);
        let matches = |subject: &Subject| self.matches(subject, caller, &groups);
        let concerns = |rule: &&Rule| rule.to.iter().any(matches) && !rule.unless.iter().any(matches);
        self.document.rules.iter().filter(concerns).collect()
    }

    /// Groups vouched for, and every group that holds the principal or a group already found.
    fn groups_of<'c>(&'c self, caller: &'c Caller) -> BTreeSet<&'c GroupName> {
        let mut found: BTreeSet<&GroupName> = caller.groups().collect();
        loop {
            let before = found.len();
            for group in &self.document.groups {
                if group.members.iter().any(|member| self.matches(member, caller, &found)) {
                    found.insert(&group.name);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    fn matches(&self, subject: &Subject, caller: &Caller, groups: &BTreeSet<&GroupName>) -> bool {
        match subject {
            Subject::Principal(principal) => principal == caller.principal(),
            Subject::Group(group) => groups.contains(group),
            Subject::Project(name) => {
                let projects = self.document.projects.iter().filter(|project| project.name == *name);
                projects.flat_map(|project| &project.members).any(|m| self.matches(m, caller, groups))
            }
            Subject::Everyone => true,
        }
    }

    fn storage_of(&self, target: &Target) -> Option<&'a StorageRule> {
        let holding = self.storages.iter().find(|(_, buckets)| buckets.contains(target.bucket()));
        holding.map(|(storage, _)| *storage)
    }

    fn class(&self, name: &ClassName) -> Class {
        let written = self.document.classes.iter().find(|class| class.name == *name);
        written.cloned().unwrap_or_else(|| Class::default_class().unwrap())
    }
}

fn default_class() -> ClassName {
    ClassName::parse("default").unwrap()
}

/// What a token for the operations can really do.
pub(crate) fn closure(dialect: Dialect, operations: OperationSet) -> OperationSet {
    use Operation::{Create, Delete, Write};
    let brought = |operation| match (dialect, operation) {
        (Dialect::Gcs, Write | Delete) => OperationSet::of(&[Create, Write, Delete]),
        (Dialect::Aws | Dialect::Minio | Dialect::GenericS3, Create | Write) => {
            OperationSet::of(&[Create, Write])
        }
        (Dialect::Azure, Write) => OperationSet::of(&[Create, Write]),
        _ => OperationSet::of(&[operation]),
    };
    operations.iter().map(brought).fold(OperationSet::EMPTY, OperationSet::union)
}

/// One line of a table: an instant, and the operations allowed at each point of the universe.
type Line = (Timestamp, Vec<OperationSet>);

/// What one caller sees at one instant.
pub(crate) struct View<'a> {
    reference: &'a Reference<'a>,
    caller: &'a Caller,
    now: Timestamp,
    concerning: Vec<&'a Statement<'a>>,
    table: Vec<Line>,
}

impl View<'_> {
    /// The operations allowed at every point, now and from every later window edge on. The ends of an allow
    /// rule's windows are moved by its overrun, of which at most `cap` counts.
    fn table(&self, cap: Duration) -> Vec<Line> {
        let windows = self.concerning.iter().flat_map(|s| s.rule.windows.iter().map(move |w| (s.rule, w)));
        let edges = windows.flat_map(|(rule, w)| [w.from, w.until.map(|until| moved(rule, until, cap))]);
        let mut instants: BTreeSet<Timestamp> = edges.flatten().filter(|edge| *edge > self.now).collect();
        instants.insert(self.now);
        let mut reaching: Vec<Vec<&Statement>> = vec![Vec::new(); self.reference.points.names().len()];
        for statement in &self.concerning {
            for point in self.reference.points.covered_by(&statement.target).iter() {
                reaching[*point].push(statement);
            }
        }
        let line = |instant| {
            let allowed = |reaching: &Vec<&Statement>| {
                let in_force = |s: &&&Statement| in_force(s.rule, instant, cap);
                let speaking: Vec<&Statement> = reaching.iter().filter(in_force).copied().collect();
                Operation::ALL.into_iter().filter(|op| is_allowed(&speaking, *op)).collect()
            };
            (instant, reaching.iter().map(allowed).collect())
        };
        instants.into_iter().map(line).collect()
    }

    /// Tries everything that a token for the grant could do, now and until the grant says that something turns:
    /// the verdict must be allow each time. Gives the number of tries.
    pub(crate) fn probe(&self, grant: &Grant) -> u64 {
        let scope = grant.scope();
        let mut tries = 0;
        for part in scope.parts() {
            let operations = closure(scope.dialect(), part.operations());
            let covered = self.reference.points.covered_by(part.target());
            let known = self.table.iter().filter(|(at, _)| grant.until().is_none_or(|until| *at < until));
            for (at, line) in known {
                for point in covered.iter() {
                    let name = &self.reference.points.names()[*point];
                    assert!(line[*point].is_superset(operations), "{grant:#?} reaches {name} at {at}");
                    tries += operations.len() as u64;
                }
            }
        }
        tries
    }
}

fn moved(rule: &Rule, until: Timestamp, cap: Duration) -> Timestamp {
    match rule.effect {
        Effect::Allow => until.plus(Duration::from_secs(rule.overrun_seconds).min(cap)),
        Effect::Deny => until,
    }
}

fn in_force(rule: &Rule, at: Timestamp, cap: Duration) -> bool {
    rule.windows.is_empty()
        || rule.windows.iter().any(|w| {
            w.from.is_none_or(|from| from <= at) && w.until.is_none_or(|until| at < moved(rule, until, cap))
        })
}

/// The verdict of the rules that reach a point, concern the caller and are in force.
fn is_allowed(speaking: &[&Statement], operation: Operation) -> bool {
    let naming = || speaking.iter().filter(|s| s.operations.contains(operation)).map(|s| s.rule);
    let Some(highest) = naming().map(|rule| rule.priority).max() else { return false };
    naming().filter(|rule| rule.priority == highest).all(|rule| rule.effect == Effect::Allow)
}

/// Whether the prefix covers a target.
fn covers(prefix: &Prefix, target: &Target) -> bool {
    match target {
        Target::Prefix(inner) => prefix.covers_prefix(inner),
        Target::Object(object) => prefix.covers_object(object),
    }
}
