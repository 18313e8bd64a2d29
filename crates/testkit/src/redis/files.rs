//! The files that a server and its clients read, made from the shipped examples.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};

use super::{RedisClients, RedisKind};
use crate::Authority;

/// The shipped configuration.
const CONFIGURATION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/redis.conf"));
/// The shipped access list.
const ACCESS_LIST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/redis.acl"));
/// What an operator replaces in it.
const PLACEHOLDER: &str = "SHA256-OF-THE-PASSWORD";

/// The user that may do everything; tests only.
pub(super) const ADMIN: &str = "admin";

/// What was written.
#[derive(Debug)]
pub(super) struct Files {
    configuration: PathBuf,
    password: String,
    admin_password: String,
}

impl Files {
    /// Writes everything into a folder.
    pub(super) fn write(
        folder: &Path,
        authority: &Authority,
        kind: RedisKind,
        clients: RedisClients,
    ) -> Result<Self> {
        let issued = authority.server()?;
        write(&folder.join("ca.pem"), &authority.certificate_pem())?;
        write(&folder.join("server.pem"), &issued.certificate_pem)?;
        write(&folder.join("server.key"), &issued.key_pem)?;
        let (password, admin_password) = (random(), random());
        write(&folder.join("password"), &password)?;
        let list = access_list(&password, &admin_password, clients)?;
        write(&folder.join("redis.acl"), &list)?;
        let configuration = folder.join("redis.conf");
        write(&configuration, &configure(folder, kind, clients))?;
        Ok(Self { configuration, password, admin_password })
    }

    /// Makes every key take so long to load from now on.
    pub(super) fn load_slowly(&self, each: Duration) -> Result<()> {
        let mut file = OpenOptions::new().append(true).open(&self.configuration)?;
        writeln!(file, "key-load-delay {}\nloading-process-events-interval-bytes 1024", each.as_micros())?;
        Ok(())
    }

    pub(super) fn configuration(&self) -> &Path {
        &self.configuration
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    pub(super) fn admin_password(&self) -> &str {
        &self.admin_password
    }
}

/// The shipped list with the password's digest in place, and a user for the tests.
fn access_list(password: &str, admin_password: &str, clients: RedisClients) -> Result<String> {
    anyhow::ensure!(ACCESS_LIST.contains(PLACEHOLDER), "the shipped access list has no {PLACEHOLDER}");
    let mut list = ACCESS_LIST.replace(PLACEHOLDER, &hex(digest(&SHA256, password.as_bytes()).as_ref()));
    list += &["user ", ADMIN, " on >", admin_password, " ~* &* +@all\n"].concat();
    if clients == RedisClients::Anybody {
        list = list.replace("user default off", "user default on nopass ~* &* +@all");
    }
    Ok(list)
}

/// The shipped configuration in this folder, with a socket file. Later lines win.
fn configure(folder: &Path, kind: RedisKind, clients: RedisClients) -> String {
    let here = folder.display().to_string();
    let mut text: String = CONFIGURATION
        .lines()
        .filter(|line| kind == RedisKind::Redis || !line.starts_with("tls-"))
        .map(|line| line.replace("/etc/redis", &here) + "\n")
        .collect();
    text += &["dir ", &here, "\nunixsocket ", &here, "/socket\nenable-debug-command local\n"].concat();
    if kind == RedisKind::Redis && clients == RedisClients::WithCertificate {
        text.push_str("tls-auth-clients yes\n");
    }
    text
}

/// A file that only its owner reads.
fn write(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| path.display().to_string())
}

fn random() -> String {
    let mut bytes = [0; 24];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => hex(&bytes),
        Err(_) => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16));
    bytes.iter().flat_map(digits).flatten().collect()
}
