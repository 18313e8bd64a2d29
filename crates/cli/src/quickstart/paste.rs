//! Commands to paste into another terminal while quickstart stays up.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Result;
use lakegate_testkit::{Deployment, SAMPLE_BUCKET};

use super::narrator::Narrator;

/// The callers for whom certificates are laid out.
const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Writes certificates and prints commands that use them.
pub(super) fn print(deployment: &Deployment, narrator: &Narrator) -> Result<()> {
    let folder = deployment.folder();
    write_private(&folder.join("ca.pem"), &deployment.authority().certificate_pem())?;
    for name in PEOPLE {
        let issued = deployment.authority().client(name)?;
        write_private(&folder.join([name, ".pem"].concat()), &issued.certificate_pem)?;
        write_private(&folder.join([name, ".key"].concat()), &issued.key_pem)?;
    }
    let program = std::env::current_exe()?;
    let program = program.display();
    let shown = folder.display();
    narrator.heading("Lakegate stays up. In another terminal:");
    println!("  export LAKEGATE_BROKER={} LAKEGATE_CA={shown}/ca.pem", deployment.endpoint());
    println!("  export LAKEGATE_CERT={shown}/alice.pem LAKEGATE_KEY={shown}/alice.key");
    println!("  {program} token get gs://{SAMPLE_BUCKET}/warehouse/sales/ --op read+list");
    println!("  {program} explain gs://{SAMPLE_BUCKET}/people/hr/salaries.csv");
    println!(
        "  curl -H \"Authorization: Bearer $({program} token get --bearer gs://{SAMPLE_BUCKET}/warehouse/sales/)\" \\\n    \
         {}/{SAMPLE_BUCKET}/warehouse/sales/us/2026-11-01/part-0.csv",
        deployment.emulator().url()
    );
    println!("  tail -f {}", deployment.audit().path().display());
    println!(
        "\n  bob.pem, carol.pem and dave.pem lie beside alice's. Ctrl-C ends it all and removes the folder."
    );
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
