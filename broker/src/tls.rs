//! TLS: who may connect, and who the peer is.

mod identity;
mod settings;

pub use identity::{IdentityError, principal_of};
pub(crate) use settings::{TLS12_TOO, TLS13_ONLY};
pub use settings::{TlsFiles, server_config};
