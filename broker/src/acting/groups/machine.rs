//! The operating system's own answer: `getpwnam` and `getgrouplist`, which go wherever `nsswitch.conf` sends them.
//!
//! `getgrouplist` has no way to say that one of several sources did not answer: it then tells the groups of the others. So
//! do not deny by a group that lives in a directory alone; what is granted by it is only missing.

use std::ffi::CString;
use std::io;

use nix::unistd::{Group, User, getgrouplist};

use super::SystemGroups;

/// Groups as the machine knows them.
#[derive(Debug)]
pub struct MachineGroups;

impl SystemGroups for MachineGroups {
    fn groups_of(&self, user: &str) -> io::Result<Vec<String>> {
        let known = User::from_name(user)?;
        // A directory that folds case would give ALICE the groups of alice, who is another principal.
        let Some(known) = known.filter(|known| known.name == user) else { return Ok(Vec::new()) };
        let name = CString::new(known.name)?;
        let mut groups = Vec::new();
        for id in getgrouplist(&name, known.gid)? {
            groups.extend(Group::from_gid(id)?.map(|group| group.name));
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_roots_groups_and_nobody_else_has_any() {
        let groups = MachineGroups.groups_of("root").unwrap();
        assert!(groups.iter().any(|group| group == "root"), "{groups:?}");
        for nobody in ["no-such-user-7731", "ROOT", ""] {
            assert_eq!(MachineGroups.groups_of(nobody).unwrap(), Vec::<String>::new(), "{nobody}");
        }
    }
}
