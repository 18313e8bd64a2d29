//! Keeps the lists in force beyond the end of the process, so that after a restart none older than them is taken.
//!
//! A folder holds a file for each list, named after its authority and its content; it is offered before any other place.
//! A list is signed, so the folder needs no seal: whoever can write there can at most take the memory away. As no file is
//! ever written over, several brokers may share a folder, and then learn of lists from one another.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256, digest};
use lakegate_host::files::FileContent;
use lakegate_host::reload::Outcome;
use lakegate_host::{Patient, Unfinished, chain};

use super::book::{KEPT, Offered, RevocationBook};
use super::source::{Reader, said_once};
use super::voice::Voice;
use crate::tls::AuthorityName;

/// The end of the name of each file.
const ENDING: &str = ".crl";

/// What a list is called: the beginning of the SHA-256 of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListId([u8; 16]);

impl ListId {
    /// The id of a list in DER.
    pub(super) fn of(der: &[u8]) -> Self {
        let mut id = [0; 16];
        id.iter_mut().zip(digest(&SHA256, der).as_ref()).for_each(|(to, from)| *to = *from);
        Self(id)
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is to be done in the folder. The newest lists are in force already.
#[derive(Debug, Clone, Default)]
pub(super) struct Chores {
    write: Vec<(ListId, Arc<[u8]>)>,
    remove: Vec<ListId>,
}

impl Chores {
    /// A list came into force, in another one's place if there was any. One that is in the folder needs no writing.
    pub(super) fn note(&mut self, id: ListId, before: Option<ListId>, unwritten: Option<&[u8]>) {
        if let Some(before) = before {
            self.write.retain(|(waiting, _)| *waiting != before);
            self.remove.push(before);
        }
        if let Some(der) = unwritten {
            self.write.push((id, der.into()));
        }
    }

    /// These were done.
    pub(super) fn finish(&mut self, done: &Self) {
        self.write.retain(|(id, _)| !done.write.iter().any(|(written, _)| written == id));
        self.remove.retain(|id| !done.remove.contains(id));
    }

    fn is_empty(&self) -> bool {
        self.write.is_empty() && self.remove.is_empty()
    }
}

/// The lists of one authority in the folder.
#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    book: Arc<RevocationBook>,
    reading: Patient,
    writing: Patient,
    /// What all kept lists hash to that were last offered.
    offered: Mutex<Option<Vec<u8>>>,
    on_reading: Voice,
    on_writing: Voice,
}

impl Keeper {
    /// The lists of a book are kept from now on. The folder is waited for so long.
    pub(super) fn new(book: &Arc<RevocationBook>, folder: PathBuf, patience: Duration) -> Arc<Self> {
        book.keep();
        let voice = || Voice::new(book, folder.display().to_string());
        Arc::new(Self {
            on_reading: voice(),
            on_writing: voice(),
            folder,
            book: Arc::clone(book),
            reading: Patient::new(patience),
            writing: Patient::new(patience),
            offered: Mutex::default(),
        })
    }

    /// Takes what is in the folder into force, where it is newer.
    pub(super) async fn remember(self: Arc<Self>, reader: Reader) -> Outcome {
        let (folder, authority) = (self.folder.clone(), self.book.authority().clone());
        let ders = match flat(self.reading.run(move || read(&folder, &authority)).await) {
            Ok(ders) => ders,
            Err(complaint) => return self.on_reading.miss(["kept lists: ", &complaint].concat()),
        };
        let (offering, clock) = (Arc::clone(&self), Arc::clone(&reader.clock));
        let offered = tokio::task::spawn_blocking(move || offering.offer(&ders, clock.now())).await;
        let Ok(offered) = offered else {
            return self.on_reading.complain("kept lists: reading them was interrupted".to_owned());
        };
        reader.tell(&offered);
        if offered.faults.is_empty() {
            return self.on_reading.praise(&offered);
        }
        self.on_reading.complain(["kept lists: ", &said_once(&offered.faults)].concat())
    }

    fn offer(&self, ders: &[Vec<u8>], now: lakegate_domain::Timestamp) -> Offered {
        let mut hash = Context::new(&SHA256);
        for der in ders {
            hash.update(digest(&SHA256, der).as_ref());
        }
        let hash = Some(hash.finish().as_ref().to_vec());
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        if *offered == hash {
            return Offered::default();
        }
        let what = self.book.offer(KEPT, ders, now);
        *offered = hash.filter(|_| what.faults.is_empty());
        what
    }

    /// Writes what came into force, and removes what it took the place of.
    pub(super) async fn keep(self: Arc<Self>) -> Outcome {
        let chores = self.book.chores();
        if chores.is_empty() {
            return Outcome::Unchanged;
        }
        let (folder, authority) = (self.folder.clone(), self.book.authority().clone());
        let doing = chores.clone();
        match flat(self.writing.run(move || carry_out(&doing, &folder, &authority)).await) {
            Ok(()) => {
                self.book.finish(&chores);
                self.on_writing.praise(&Offered::default())
            }
            Err(complaint) => self.on_writing.complain(["lists are not kept: ", &complaint].concat()),
        }
    }
}

fn flat<T>(done: Result<Result<T, String>, Unfinished>) -> Result<T, String> {
    done.unwrap_or_else(|unfinished| Err(unfinished.to_string()))
}

/// The name of each file of an authority begins so: no authority's name holds a dot.
fn beginning(authority: &AuthorityName) -> String {
    [authority.as_str(), "."].concat()
}

/// All lists of an authority, in the order of their names.
fn read(folder: &Path, authority: &AuthorityName) -> Result<Vec<Vec<u8>>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| chain(&error))? {
        let name = entry.map_err(|error| chain(&error))?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(&beginning(authority)) && name.ends_with(ENDING) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    let mut ders = Vec::new();
    for name in names {
        let path = folder.join(name);
        match FileContent::public(&path) {
            Ok(content) => ders.push(content.bytes().to_vec()),
            // Another broker has a newer one.
            Err(_) if !path.exists() => {}
            Err(error) => return Err(chain(&error)),
        }
    }
    Ok(ders)
}

/// Writes first: whoever is interrupted has a list too many and not one too few.
fn carry_out(chores: &Chores, folder: &Path, authority: &AuthorityName) -> Result<(), String> {
    let name = |id: &ListId| format!("{}{id}{ENDING}", beginning(authority));
    let done = || -> io::Result<()> {
        for (id, der) in &chores.write {
            write(&folder.join(name(id)), der)?;
        }
        if !chores.write.is_empty() {
            File::open(folder)?.sync_all()?;
        }
        for id in &chores.remove {
            match fs::remove_file(folder.join(name(id))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    done().map_err(|error| chain(&error))
}

/// Writes a file that is there as a whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Another broker may write the same list at the same moment.
    let mut mark = [0; 8];
    aws_lc_rs::rand::fill(&mut mark).map_err(io::Error::other)?;
    let fresh = path.with_extension(format!("{:016x}", u64::from_be_bytes(mark)));
    let written = File::create_new(&fresh).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    });
    if written.is_err() {
        // A full disk must not fill with halves.
        let _gone = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests;
