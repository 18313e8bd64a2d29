//! `lakegate policy check` and `lakegate policy diff`.

use std::path::Path;

use anyhow::{Context, Result};
use lakegate_domain::Dialect;
use lakegate_policy::{Orphans, PolicyDocument, Snapshot};
use serde_json::json;

use crate::args::{Output, PolicyCheckArgs, PolicyDiffArgs};
use crate::exit::{Exit, Invalid};
use crate::output;

/// Reads a document, compiles it, and prints what is wrong or worth a look.
pub(crate) fn check(args: &PolicyCheckArgs, output: Output) -> Result<Exit> {
    let snapshot = load(&args.file)?;
    let remarks = snapshot.lint();
    let inexpressible = inexpressible(&snapshot);
    match output {
        Output::Json => output::json(&json!({
            "version": snapshot.number(),
            "datasets": snapshot.datasets().count(),
            "plain_scopes": snapshot.plain_scopes().len(),
            "remarks": remarks,
            "not_expressible": inexpressible,
        }))?,
        Output::Table => {
            let mut table = output::table(&[]);
            table.add_row(["version", &snapshot.number().to_string()]);
            table.add_row(["datasets", &snapshot.datasets().count().to_string()]);
            table.add_row(["plain scopes", &snapshot.plain_scopes().len().to_string()]);
            println!("{table}");
            for remark in &remarks {
                println!("note: {remark}");
            }
            for fault in &inexpressible {
                println!("SCOPE_NOT_EXPRESSIBLE: {fault}");
            }
        }
    }
    Ok(if inexpressible.is_empty() { Exit::Done } else { Exit::Invalid })
}

/// Compiles two documents and prints what the second one takes away.
pub(crate) fn diff(args: &PolicyDiffArgs, output: Output) -> Result<Exit> {
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let orphans = new.orphans_of(&old);
    match output {
        Output::Json => output::json(&json!({
            "old_version": old.number(),
            "new_version": new.number(),
            "orphans": orphans,
        }))?,
        Output::Table if orphans.is_empty() => {
            println!("nothing falls away from version {} to {}", old.number(), new.number());
        }
        Output::Table => println!("{}", orphan_table(&orphans)),
    }
    Ok(if orphans.is_empty() { Exit::Done } else { Exit::Orphans })
}

fn orphan_table(orphans: &Orphans) -> comfy_table::Table {
    let mut table = output::table(&["what", "name", "why it matters"]);
    let mut add = |what: &str, name: &str, why: &str| {
        table.add_row([what, name, why]);
    };
    for project in &orphans.projects {
        add("project", project.as_str(), "delegation tokens of its users are refused");
    }
    for dataset in &orphans.datasets {
        let why = match &dataset.moved_to {
            None => format!("nothing is kept ready for {} any more", dataset.prefix),
            Some(prefix) => format!("moved from {} to {prefix}", dataset.prefix),
        };
        add("dataset", dataset.name.as_str(), &why);
    }
    for principal in &orphans.principals {
        add("principal", principal.as_str(), "its delegation tokens are refused");
    }
    for rule in &orphans.rules {
        add("rule", rule.as_str(), "what it said holds no more");
    }
    for rule in &orphans.dangling_rules {
        add("dangling rule", rule.as_str(), "names a user of a project that is not in the document");
    }
    table
}

/// The plain scopes that their storage cannot express, in words.
fn inexpressible(snapshot: &Snapshot) -> Vec<String> {
    let faults = snapshot.plain_scopes().into_iter().filter_map(|plain| {
        if plain.scope().dialect() != Dialect::Gcs {
            return None;
        }
        let fault = lakegate_sts::gcs::expressible(plain.scope()).err()?;
        Some(format!("dataset {}: {fault}", plain.dataset()))
    });
    faults.collect()
}

/// Reads and compiles a policy document, YAML or JSON by its ending.
pub(crate) fn load(file: &Path) -> Result<Snapshot> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let is_json = file.extension().is_some_and(|ending| ending == "json");
    let document = if is_json { PolicyDocument::from_json(&text) } else { PolicyDocument::from_yaml(&text) };
    let snapshot = document.and_then(|document| Snapshot::compile(&document));
    snapshot.map_err(|error| Invalid(format!("{}: {}", file.display(), chain(&error))).into())
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
