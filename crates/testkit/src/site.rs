//! A sample lake laid out in a folder, for processes of its own: brokers, a generator, Redis and the emulated cloud.
//!
//! Everything is thrown together for one machine and one try: an authority whose key is not kept, certificates,
//! passwords, keys, the sample policy, and a configuration file for each process. Ports are free ones of the moment.

mod cloud;
mod configuration;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use lakegate_domain::{Clock, SystemClock};

pub use self::cloud::emulate;
use crate::{Authority, Issued, sample_policy};

/// The callers for whom certificates are laid out; the sample policy knows them.
pub const SAMPLE_CALLERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// The most brokers of one site.
const MOST_BROKERS: usize = 16;

/// A folder with everything in it.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    authority: Authority,
    ports: Ports,
}

/// Where each process listens, all on this machine.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The emulated cloud.
    pub cloud: SocketAddr,
    /// Redis, over TLS.
    pub redis: SocketAddr,
    /// Public and admin port of each broker.
    pub brokers: Vec<(SocketAddr, SocketAddr)>,
    /// The generator's admin port.
    pub generator: SocketAddr,
}

impl Site {
    /// Writes everything into a folder that does not exist yet or is empty, readable by its owner only.
    ///
    /// # Errors
    /// When the folder holds something, cannot be written, or the number of brokers is not 1 to 16.
    pub fn lay_out(folder: &Path, brokers: usize) -> Result<Self> {
        ensure!((1..=MOST_BROKERS).contains(&brokers), "a site has 1 to {MOST_BROKERS} brokers");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).context("folder")?;
        let folder = folder.canonicalize().context("folder")?;
        ensure!(fs::read_dir(&folder)?.next().is_none(), "the folder {} is not empty", folder.display());
        let site = Self { folder, authority: Authority::new()?, ports: Ports::free(brokers)? };
        site.certificates()?;
        site.write("policy.json", &serde_json::to_string_pretty(&sample_policy(SystemClock.now())?)?)?;
        site.write("sealing.key", &random_hex(32)?)?;
        cloud::lay_out(&site)?;
        configuration::lay_out(&site)?;
        Ok(site)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where each process listens.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The authority of all certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The public port of each broker, `https://localhost:PORT`.
    pub fn endpoints(&self) -> Vec<String> {
        let endpoint =
            |(public, _): &(SocketAddr, SocketAddr)| format!("https://localhost:{}", public.port());
        self.ports.brokers.iter().map(endpoint).collect()
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn certificates(&self) -> Result<()> {
        self.write("ca.pem", &self.authority.certificate_pem())?;
        self.certificate("server", &self.authority.server()?)?;
        SAMPLE_CALLERS.iter().try_for_each(|name| self.certificate(name, &self.authority.client(name)?))
    }

    fn certificate(&self, name: &str, issued: &Issued) -> Result<()> {
        self.write(&[name, ".pem"].concat(), &issued.certificate_pem)?;
        self.write(&[name, ".key"].concat(), &issued.key_pem)
    }

    /// Writes a file that only its owner reads.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| path.display().to_string())
    }
}

impl Ports {
    /// Ports that are free now and that the system gives to nobody by itself. Another process may still take one
    /// before ours does; then that one does not start.
    fn free(brokers: usize) -> Result<Self> {
        let mut held = Vec::new();
        let mut next = || -> Result<SocketAddr> {
            let listener = free_listener()?;
            let address = listener.local_addr()?;
            held.push(listener);
            Ok(address)
        };
        Ok(Self {
            cloud: next()?,
            redis: next()?,
            generator: next()?,
            brokers: (0..brokers).map(|_| Ok((next()?, next()?))).collect::<Result<_>>()?,
        })
    }
}

/// A port below those that systems choose for outgoing connections.
fn free_listener() -> Result<TcpListener> {
    const RANGE: std::ops::Range<u16> = 15_000..32_000;
    (0..100)
        .find_map(|_| TcpListener::bind(("127.0.0.1", rand::random_range(RANGE))).ok())
        .context("no free port was found")
}

/// So many random bytes as hexadecimal digits.
fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random).ok().context("no randomness")?;
    Ok(hex::encode(random))
}
