//! TLS: who may connect, and who the peer is.

mod authorities;
mod authority;
mod distrust;
mod files;
mod identity;
mod live;
mod settings;
mod verifier;

pub(crate) use authorities::Vouched;
pub use authority::{AuthorityFault, AuthorityFiles, AuthorityName, InvalidAuthorityName};
pub use distrust::Distrust;
pub use files::{AuthoritySettings, TlsSettings, TlsSettingsError};
pub use identity::{IdentityError, principal_of};
pub(crate) use identity::{end_of, validity_of};
pub use live::LiveTls;
pub(crate) use live::{ForConnection, Trust, chain_of};
pub use settings::{ClientCertificates, TlsFiles, TlsVersions};
pub(crate) use verifier::Verdict;
