//! Google Cloud Storage: tokens cut down by a credential access boundary at Google's STS.
//!
//! [`source`] makes OAuth tokens of a service account that can do everything; `boundary` says in a typed document
//! what of it a scope may do; `exchange` trades the one with the other for a token that can do just that. The
//! wire formats are Google's "Downscope with Credential Access Boundaries" and RFC 8693.

mod boundary;
mod cel;
mod exchange;
mod minter;
mod reply;
pub mod source;

pub use minter::{GcsConfig, GcsMinter, expressible};
