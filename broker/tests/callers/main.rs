//! Who may do what: every method by every kind of caller, with the answer and the audit line, held by `golden.txt`.
//!
//! Where something changes on purpose, the test leaves the table as it is now beside the build, and says where: read
//! what moved, then put it in the place of the old one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod askers;
mod methods;
mod world;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, ensure};

use self::methods::Method;
use self::world::World;

/// The table as it was read and found right.
const GOLDEN: &str = include_str!("golden.txt");

#[tokio::test]
async fn every_method_answers_every_kind_of_caller_as_the_table_says() -> Result<()> {
    let world = World::start().await?;
    let mut table = String::new();
    for asker in world.askers().await? {
        writeln!(table, "{}", asker.who)?;
        for method in Method::ALL {
            let row = world.row(method, &asker).await?;
            writeln!(table, "  {:<20} {row}", method.name())?;
        }
    }
    if table != GOLDEN {
        let now = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callers.txt");
        std::fs::write(&now, &table)?;
        let (before, after): (Vec<_>, Vec<_>) = (GOLDEN.lines().collect(), table.lines().collect());
        let gone = before.iter().filter(|line| !after.contains(line)).map(|line| ["- ", line].concat());
        let come = after.iter().filter(|line| !before.contains(line)).map(|line| ["+ ", line].concat());
        let moved: Vec<String> = gone.chain(come).collect();
        panic!("the table is another one, see {}\n{}", now.display(), moved.join("\n"));
    }
    Ok(())
}

/// What must hold of every table, whoever put it there.
#[test]
fn nobody_without_an_identity_gets_anything_and_no_token_makes_or_keeps_another() -> Result<()> {
    let mut who = "";
    let mut rows = 0;
    for line in GOLDEN.lines() {
        let Some(row) = line.strip_prefix("  ") else {
            who = line;
            continue;
        };
        rows += 1;
        let (method, told) = row.split_once(' ').unwrap();
        let allowed = told.trim_start().starts_with("OK");
        let is_nobody =
            ["nobody", "a carrier", "two", "a certificate of no profile", "a cancelled", "a forged"];
        if is_nobody.iter().any(|begin| who.starts_with(begin)) && !who.contains("with a token") {
            ensure!(!allowed || method == "Health", "{who}: {row}");
        }
        if who.contains("token")
            && !who.starts_with("the renewer")
            && ["Issue", "Renew", "Cancel"].contains(&method)
        {
            ensure!(!allowed, "{who}: {row}");
        }
        ensure!(method == "Health" || !allowed || told.contains(" allow "), "not on record: {who}: {row}");
    }
    ensure!(rows > 100 && rows % Method::ALL.len() == 0, "{rows} rows");
    Ok(())
}
