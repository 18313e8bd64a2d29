//! The policy matrix: who may do what where in `goldens/sample-lake.yaml`, as one table that a person can read.
//!
//! A change of this table is a change of what policies mean. After a change that is meant, look at the table with
//! `cargo insta review`, or run `cargo test -p lakegate-policy --test policy_matrix` once with `INSTA_UPDATE=always`,
//! and read the difference before it is committed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod reference;
mod universe;

use std::fmt::Write as _;

use lakegate_domain::{Caller, OperationSet, Part, Principal, Proof, Target, Timestamp};
use lakegate_policy::{Grant, PolicyDocument, Refusal, Snapshot};

use reference::{Answer, Points, Reference};

/// Before the incident, on an ordinary day in March; and during it, half an hour before the partner's month ends.
const INSTANTS: [&str; 2] = ["2026-03-10T09:00:00Z", "2026-03-31T12:00:00Z"];

const PRINCIPALS: [&str; 8] = [
    "alice",
    "ivan",
    "henry",
    "gina",
    "spiffe:prod.example.com/ns/etl/sa/loader",
    "partner",
    "rita",
    "stranger",
];

const PATHS: [&str; 17] = [
    "gs://lake-eu/",
    "gs://lake-eu/wh",
    "gs://lake-eu/wh/",
    "gs://lake-eu/wh/sales",
    "gs://lake-eu/wh/sales/",
    "gs://lake-eu/wh/sales/eu/part-0",
    "gs://lake-eu/wh/sales/forecast/",
    "gs://lake-eu/wh/sales/cards/part-0",
    "gs://lake-eu/wh/sales_private/part-0",
    "gs://lake-eu/wh/hr/",
    "gs://lake-eu/wh/hr/handbook.pdf",
    "gs://lake-eu/scratch/alice/notes",
    "s3://lake-us/clicks/",
    "s3://lake-us/clicks/2026-03/",
    "s3://lake-us/clicks/2026-03/part-0",
    "s3://lake-us/clicks/2026-04/part-0",
    "gs://lake-mars/wh/sales/eu/part-0",
];

const OPERATIONS: [&str; 6] = ["read", "list", "create", "write", "delete", "read+write"];

#[test]
fn sample_lake_means_what_its_golden_says() {
    let document = PolicyDocument::from_yaml(include_str!("goldens/sample-lake.yaml")).unwrap();
    let snapshot = Snapshot::compile(&document).unwrap();
    let targets = PATHS.map(|path| Target::parse(path).unwrap());
    let points = Points::new(universe::universe(&document, &targets));
    let reference = Reference::new(&document, &points);
    let mut table = String::new();
    for instant in INSTANTS {
        let now = Timestamp::parse(instant).unwrap();
        for principal in PRINCIPALS {
            writeln!(table, "\n== {principal} at {instant}").unwrap();
            let caller = Caller::new(Principal::parse(principal).unwrap(), Proof::ClientCertificate);
            let view = reference.view(&caller, now);
            for target in &targets {
                for (operations, answer) in row(target, |part| {
                    let request = std::slice::from_ref(part);
                    let decision = snapshot.decide(&caller, request, now);
                    assert_eq!(
                        Answer::of(&decision, request),
                        view.decide(request),
                        "{principal} asks {part} at {now}"
                    );
                    if let Ok(grant) = &decision {
                        view.probe(grant);
                    }
                    cell(&decision)
                }) {
                    writeln!(table, "{:<37} {operations:<28} {answer}", target.to_string()).unwrap();
                }
            }
        }
    }
    insta::with_settings!({
        snapshot_path => "goldens",
        prepend_module_to_snapshot => false,
        description => "principal, path, operations asked, answer: scope (- narrowed, + plain) and ends",
        omit_expression => true,
    }, { insta::assert_snapshot!("policy_matrix", table) });
}

/// The answers for one path, operations of the same answer joined.
fn row(target: &Target, answer: impl Fn(&Part) -> String) -> Vec<(String, String)> {
    let mut row: Vec<(String, String)> = Vec::new();
    for operations in OPERATIONS {
        let part = Part::new(target.clone(), OperationSet::parse(operations).unwrap()).unwrap();
        let answer = answer(&part);
        match row.iter_mut().find(|(_, same)| *same == answer) {
            Some((joined, _)) => *joined = format!("{joined} {operations}"),
            None => row.push((operations.to_owned(), answer)),
        }
    }
    if let [(operations, _)] = &mut row[..] {
        "any".clone_into(operations);
    }
    row
}

fn cell(decision: &Result<Grant, Refusal>) -> String {
    match decision {
        Ok(grant) => allowed(grant).unwrap(),
        Err(Refusal::Denied { rule: Some(rule) }) => format!("deny by {rule}"),
        Err(Refusal::Denied { rule: None }) => "deny".to_owned(),
        Err(refusal) => format!("refuse: {refusal}"),
    }
}

fn allowed(grant: &Grant) -> Result<String, std::fmt::Error> {
    let mut text = String::from(if grant.narrowed() { "allow -" } else { "allow +" });
    for part in grant.scope().parts() {
        write!(text, " {part}")?;
    }
    for class in grant.scope().terms().classes.iter().filter(|class| class.as_str() != "default") {
        write!(text, " {class}")?;
    }
    if let Some(principal) = grant.scope().attributed_to() {
        write!(text, " for {principal}")?;
    }
    if let Some(until) = grant.until() {
        write!(text, " until {until}")?;
    }
    if grant.ended_scope().is_some() {
        write!(text, " (ends early)")?;
    }
    if let Some(overrun) = grant.overrun_until().filter(|overrun| Some(*overrun) != grant.until()) {
        write!(text, " overrun {overrun}")?;
    }
    Ok(text)
}
