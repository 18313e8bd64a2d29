//! TLS: who may connect, and who the peer is.

mod files;
mod identity;
mod live;
mod settings;

pub use identity::{IdentityError, principal_of};
pub(crate) use identity::{end_of, validity_of};
pub use live::LiveTls;
pub(crate) use live::{Trust, chain_of};
pub use settings::{ClientCertificates, TlsFiles, TlsVersions};
