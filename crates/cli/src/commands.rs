//! One file per command.

pub(crate) mod explain;
pub(crate) mod policy;
pub(crate) mod token;
