//! Random policies over a small tree, and a verdict worked out from their rules alone.

use lakegate_domain::{ObjectPath, Operation, OperationSet, Part, Prefix, RuleId, Target};
use lakegate_policy::{Effect, PolicyDocument, Priority, Rule, RuleTarget, Subject};

pub(crate) const BUCKET: &str = "gs://lake-sound/";
pub(crate) const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A document with no rule yet: alice and bob are in one group; two nested datasets of different classes.
const FRAME: &str = r#"
version: 1
storages: [{ id: lake, dialect: gcs, buckets: [lake-sound] }]
classes: [{ name: short, token_life_seconds: 900 }]
projects: [{ name: p }]
groups: [{ name: g, members: ["principal:alice", "principal:bob"] }]
datasets:
  - { name: outer, prefix: "gs://lake-sound/wh/", project: p }
  - { name: inner, prefix: "gs://lake-sound/wh/a/it's/", project: p, class: short }
rules: []
"#;

/// Places where rules stand and requests point; `it's` needs escaping in a CEL literal, and `…_b` is what a prefix
/// without its slash would open.
const FOLDERS: [&str; 7] = ["", "wh/", "wh/a/", "wh/a/it's/", "wh/a_b/", "other/", "other_b/"];
const OBJECTS: [&str; 8] =
    ["wh/a", "wh/a/x", "wh/a/it's", "wh/a/it's/x", "wh/a/it's_b/x", "wh/a_b/x", "other/x", "other_b/x"];

/// Every object name that is tried: those above, and a fresh one below each folder.
pub(crate) fn universe() -> Vec<String> {
    let fresh = FOLDERS.iter().map(|folder| [folder, "fresh"].concat());
    OBJECTS.iter().map(ToString::to_string).chain(fresh).collect()
}

/// A small generator of chances, the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// One policy.
pub(crate) struct World {
    pub(crate) document: PolicyDocument,
}

impl World {
    pub(crate) fn random(dice: &mut Dice, version: u64) -> Self {
        let mut document = PolicyDocument::from_yaml(FRAME).unwrap();
        document.version = version;
        let mut rules = vec![rule(dice, 0, Effect::Allow)];
        for number in 1..2 + dice.below(5) {
            let effect = dice.pick(&[Effect::Allow, Effect::Allow, Effect::Allow, Effect::Deny]);
            rules.push(rule(dice, number, effect));
        }
        document.rules = rules;
        Self { document }
    }

    /// One or two parts, most of them where a rule stands.
    pub(crate) fn request(&self, dice: &mut Dice) -> Vec<Part> {
        (0..=dice.below(4) / 3).map(|_| self.part(dice)).collect()
    }

    fn part(&self, dice: &mut Dice) -> Part {
        if dice.below(4) == 0 {
            return Part::new(target(dice), operations(dice)).unwrap();
        }
        let rule = &self.document.rules[dice.below(self.document.rules.len())];
        let target = match &rule.on {
            RuleTarget::Prefix(prefix) => Target::Prefix(prefix.clone()),
            RuleTarget::Object(object) => Target::Object(object.clone()),
            RuleTarget::Dataset(_) => unreachable!("worlds name no dataset in rules"),
        };
        Part::new(target, rule.operations.iter().copied().collect()).unwrap()
    }

    /// What the rules allow somebody to do to an object: highest priority first, deny before allow.
    pub(crate) fn allowed(&self, person: &str, name: &str) -> OperationSet {
        let object = ObjectPath::parse(&[BUCKET, name].concat()).unwrap();
        let reaching: Vec<&Rule> = self
            .document
            .rules
            .iter()
            .filter(|rule| match &rule.on {
                RuleTarget::Prefix(prefix) => prefix.covers_object(&object),
                RuleTarget::Object(exact) => *exact == object,
                RuleTarget::Dataset(_) => unreachable!("worlds name no dataset in rules"),
            })
            .filter(|rule| rule.to.iter().any(|subject| is(person, subject)))
            .filter(|rule| !rule.unless.iter().any(|subject| is(person, subject)))
            .collect();
        Operation::ALL.into_iter().filter(|operation| verdict(&reaching, *operation)).collect()
    }
}

fn verdict(rules: &[&Rule], operation: Operation) -> bool {
    let names = |rule: &&&Rule| {
        let written = rule.operations.contains(&operation);
        let implied = rule.effect == Effect::Allow
            && operation == Operation::Create
            && rule.operations.contains(&Operation::Write);
        written || implied
    };
    [Priority::Override, Priority::Normal].into_iter().find_map(|priority| {
        let speaking: Vec<_> = rules.iter().filter(|rule| rule.priority == priority).filter(names).collect();
        (!speaking.is_empty()).then(|| speaking.iter().all(|rule| rule.effect == Effect::Allow))
    }) == Some(true)
}

fn is(person: &str, subject: &Subject) -> bool {
    match subject {
        Subject::Principal(name) => name.as_str() == person,
        Subject::Group(_) => person != "carol",
        Subject::Project(_) | Subject::Everyone => false,
    }
}

fn rule(dice: &mut Dice, number: usize, effect: Effect) -> Rule {
    let on = match target(dice) {
        Target::Prefix(prefix) => RuleTarget::Prefix(prefix),
        Target::Object(object) => RuleTarget::Object(object),
    };
    let subject = |text| Subject::parse(text).unwrap();
    let to = vec![subject(dice.pick(&["group:g", "principal:alice", "principal:bob", "principal:carol"]))];
    let unless = if dice.below(4) == 0 { vec![subject("principal:bob")] } else { Vec::new() };
    Rule {
        id: RuleId::parse(&format!("rule-{number}")).unwrap(),
        effect,
        on,
        to,
        unless,
        operations: operations(dice).iter().collect(),
        windows: Vec::new(),
        priority: dice.pick(&[Priority::Normal, Priority::Normal, Priority::Normal, Priority::Override]),
        overrun_seconds: 0,
        allow_everyone: false,
    }
}

fn target(dice: &mut Dice) -> Target {
    if dice.below(3) == 0 {
        Target::Object(ObjectPath::parse(&[BUCKET, dice.pick(&OBJECTS)].concat()).unwrap())
    } else {
        Target::Prefix(Prefix::parse(&[BUCKET, dice.pick(&FOLDERS)].concat()).unwrap())
    }
}

fn operations(dice: &mut Dice) -> OperationSet {
    let sets = [
        "read",
        "read+list",
        "list",
        "create",
        "write+delete",
        "read+list+create+write+delete",
        "delete+read",
    ];
    OperationSet::parse(dice.pick(&sets)).unwrap()
}
