//! One file per command.

pub(crate) mod delegation_token;
pub(crate) mod explain;
pub(crate) mod policy;
pub(crate) mod token;
