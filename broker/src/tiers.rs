//! The broker's two tiers and the way past them: local memory, the shared tier, the minter.
//!
//! Keyed by scope, never by user. Every token that leaves here was compared with the scope it is about to answer
//! for, has enough life left, and ends before the grant does.

mod clearing;
mod keeping;
mod local;
mod mirror;
mod share;
mod storage;

pub(crate) use clearing::Clearing;
pub use mirror::Mirror;
pub(crate) use mirror::Mirroring;
pub use share::NarrowedShare;
pub use storage::{Served, StorageTiers, Tier, Want};
