//! Keeps memory with secrets out of core dumps and away from debuggers.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::HostError;

/// Switches core dumps off for good, by the resource limit and by the process flag, which also keeps other
/// processes of the same user from attaching and from reading `/proc/PID/mem`. Call it first in `main`.
///
/// # Errors
/// [`HostError::CoreDumps`] when the kernel refuses; a caller who wants dumps must not call this.
pub fn no_core_dumps() -> Result<(), HostError> {
    let refused = |error: rustix::io::Errno| HostError::CoreDumps(error.into());
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn lg09_core_dumps_are_off_by_limit_and_by_flag() {
        no_core_dumps().unwrap();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let raised = setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(0) });
        assert!(raised.is_err(), "the limit cannot be raised above its maximum");
    }
}
