//! TLS: who may connect, and who the peer is.

mod identity;
mod settings;

pub(crate) use identity::end_of;
pub use identity::{IdentityError, principal_of};
pub use settings::{ClientCertificates, TlsFiles, TlsVersions, server_config};
