//! A name server on this machine, for tests of where hosts are. It speaks as much of RFC 1035 as a stub resolver asks.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Response codes (RFC 1035, section 4.1.1).
const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NAME_ERROR: u8 = 3;

/// Record types (RFC 1035, section 3.2.2; RFC 3596, section 2.1).
const A: u16 = 1;
const AAAA: u16 = 28;

/// What is known of a name.
#[derive(Debug, Clone)]
enum Entry {
    At(Vec<IpAddr>),
    Broken,
    Silent,
}

/// A name server that answers what it is told to; it stops when it is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    serving: JoinHandle<()>,
}

impl NameServer {
    /// Starts a server that knows no name.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start() -> Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.context("name server")?;
        let address = socket.local_addr()?;
        let entries: Arc<Mutex<HashMap<String, Entry>>> = Arc::default();
        let known = Arc::clone(&entries);
        let serving = tokio::spawn(async move {
            let mut bytes = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
                let reply = bytes.get(..length).and_then(|query| reply(query, &known));
                if let Some(reply) = reply {
                    let _lost = socket.send_to(&reply, from).await;
                }
            }
        });
        Ok(Self { address, entries, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a host at these addresses, and nowhere else. Texts that are no addresses are left out.
    pub fn put(&self, host: &str, addresses: &[&str]) {
        self.set(host, Entry::At(addresses.iter().filter_map(|text| text.parse().ok()).collect()));
    }

    /// Says of a host that there is none.
    pub fn remove(&self, host: &str) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&host.to_ascii_lowercase());
    }

    /// Fails when it is asked for a host.
    pub fn break_off(&self, host: &str) {
        self.set(host, Entry::Broken);
    }

    /// Says nothing when it is asked for a host.
    pub fn silence(&self, host: &str) {
        self.set(host, Entry::Silent);
    }

    fn set(&self, host: &str, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(host.to_ascii_lowercase(), entry);
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The reply to a query with one question; none to anything else, and none from a silent entry.
fn reply(query: &[u8], entries: &Mutex<HashMap<String, Entry>>) -> Option<Vec<u8>> {
    let header = query.get(..12)?;
    let (name, question) = question(query.get(12..)?)?;
    let kind = u16::from_be_bytes(question.get(question.len() - 4..question.len() - 2)?.try_into().ok()?);
    let entry = entries.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
    let (code, addresses) = match entry {
        None => (NAME_ERROR, Vec::new()),
        Some(Entry::Broken) => (SERVER_FAILURE, Vec::new()),
        Some(Entry::Silent) => return None,
        Some(Entry::At(all)) => {
            (NO_ERROR, all.into_iter().filter(|address| kind_of(address) == kind).collect())
        }
    };
    let mut reply = header.get(..2)?.to_vec();
    // A response that repeats the wish for recursion, offers it, and has one question.
    reply.extend([0x80 | (header.get(2)? & 0x01), 0x80 | code, 0, 1]);
    reply.extend(u16::try_from(addresses.len()).ok()?.to_be_bytes());
    reply.extend([0; 4]);
    reply.extend(question);
    for address in addresses {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        // The name of the question, a type, the class IN, a minute to live.
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(octets.len()).ok()?.to_be_bytes());
        reply.extend(octets);
    }
    Some(reply)
}

fn kind_of(address: &IpAddr) -> u16 {
    if address.is_ipv4() { A } else { AAAA }
}

/// The name of the first question in lower case, and the question's bytes.
fn question(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (mut labels, mut at) = (Vec::new(), 0);
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = bytes.get(at..at + length)?;
        labels.push(String::from_utf8(label.to_ascii_lowercase()).ok()?);
        at += length;
    }
    Some((labels.join("."), bytes.get(..at + 4)?))
}
