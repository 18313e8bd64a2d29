//! Groups that come from outside the policy document: from a file, and from the operating system.
//!
//! Each source knows whose groups it is asked for, and how old its answer may be. What no source can say any more is
//! unknown, which is an outage: a rule that denies a group must not be left out because nobody knows who is in it.

mod cached;
mod canary;
mod file;
mod machine;
mod queue;

use lakegate_domain::{Caller, GroupName, Principal};

pub(crate) use self::cached::Lookups;
pub use self::cached::{CachedGroups, SystemBounds, SystemGroups};
pub use self::canary::{Believable, Canary};
pub use self::file::{FileGroups, GroupsError};
pub use self::machine::MachineGroups;
use super::{Followed, PrincipalPattern};

/// Nobody can say at present in which groups somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupsUnknown;

/// The sources.
#[derive(Debug, Default)]
pub struct Groups {
    /// A file, and whose groups stand in it.
    pub file: Option<(Whose, Followed<FileGroups>)>,
    /// The operating system, and whose groups it knows.
    pub system: Option<(Whose, CachedGroups)>,
}

/// Whose groups a source is asked for.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Everybody's.
    Everybody,
    /// Those of principals without a kind: users as an operating system knows them.
    Bare,
    /// Those of these principals.
    These(Vec<PrincipalPattern>),
}

impl Whose {
    fn are(&self, principal: &Principal) -> bool {
        match self {
            Self::Everybody => true,
            Self::Bare => !principal.as_str().contains(':'),
            Self::These(patterns) => patterns.iter().any(|pattern| pattern.means(principal)),
        }
    }
}

impl Groups {
    /// The groups of the principal whose rights a caller has, from all sources that are asked for them. Waits only for
    /// the operating system, and only when its last answer is too old.
    pub(super) async fn of(&self, caller: &Caller) -> Result<Vec<GroupName>, GroupsUnknown> {
        let principal = caller.principal();
        let mut groups = Vec::new();
        if let Some((whose, file)) = &self.file
            && whose.are(principal)
        {
            if !file.is_fresh() {
                return Err(GroupsUnknown);
            }
            groups.extend_from_slice(file.current().of(principal));
        }
        if let Some((whose, system)) = &self.system
            && whose.are(principal)
        {
            groups.extend_from_slice(&system.of(principal, caller.real().unwrap_or(principal)).await?);
        }
        Ok(groups)
    }

    /// How look-ups ended, where the operating system is asked.
    pub(super) fn lookups(&self) -> Option<&Lookups> {
        self.system.as_ref().map(|(_, system)| system.lookups())
    }
}
