//! One file per command.

pub(crate) mod delegation_token;
pub(crate) mod emulate;
pub(crate) mod explain;
pub(crate) mod policy;
pub(crate) mod sample;
pub(crate) mod token;
