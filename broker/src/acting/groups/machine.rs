//! The operating system's own answer: `getpwnam` and `getgrouplist`, which go wherever `nsswitch.conf` sends them.
//!
//! `getgrouplist` has no way to say that one of several sources did not answer: it then tells the groups of the others. So
//! name a canary of each source (`canary.rs`). A group without a name is a group that nobody can tell.

use std::ffi::CString;
use std::io;

use nix::unistd::{Group, User, getgrouplist};

use super::SystemGroups;

/// Groups as the machine knows them.
#[derive(Debug)]
pub struct MachineGroups;

impl SystemGroups for MachineGroups {
    fn groups_of(&self, user: &str) -> io::Result<Option<Vec<String>>> {
        let known = User::from_name(user)?;
        // A directory that folds case would give ALICE the groups of alice, who is another principal.
        let Some(known) = known.filter(|known| known.name == user) else { return Ok(None) };
        let name = CString::new(known.name)?;
        let mut groups = Vec::new();
        for id in getgrouplist(&name, known.gid)? {
            groups.push(named(Group::from_gid(id)?)?);
        }
        Ok(Some(groups))
    }
}

/// The name of a group that somebody is in. When there is none, whoever knows it is away.
fn named(group: Option<Group>) -> io::Result<String> {
    group.map(|group| group.name).ok_or_else(|| io::Error::other("a group of a user has no name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_roots_groups_and_nobody_else_has_any() {
        let groups = MachineGroups.groups_of("root").unwrap().unwrap();
        assert!(groups.iter().any(|group| group == "root"), "{groups:?}");
        for nobody in ["no-such-user-7731", "ROOT", ""] {
            assert_eq!(MachineGroups.groups_of(nobody).unwrap(), None, "{nobody}");
        }
    }

    #[test]
    fn px07_a_group_without_a_name_is_not_left_out() {
        let known = Group::from_gid(0.into()).unwrap();
        assert_eq!(named(known).unwrap(), "root");
        named(Group::from_gid(987_654_321.into()).unwrap()).unwrap_err();
    }
}
