//! TLS: who may connect.

mod authorities;
mod authority;
mod der;
mod distrust;
mod files;
mod link;
mod live;
mod policies;
mod revocation;
mod settings;
mod tenure;
mod validity;
mod verifier;

pub(crate) use authorities::Vouched;
pub use authority::{AuthorityFault, AuthorityFiles, AuthorityName, InvalidAuthorityName};
pub use distrust::Distrust;
pub use files::{AuthoritySettings, TlsSettings, TlsSettingsError};
pub use live::LiveTls;
pub(crate) use live::{ForConnection, chain_of};
pub use revocation::{ListFault, ListSettings, Offered, Revocation, RevocationBook, RevocationSettings};
pub(crate) use revocation::{Places, check_place, follow, lists_in};
pub use settings::{ClientCertificates, TlsFiles, TlsVersions};
pub(crate) use tenure::{Tenure, Trust};
pub(crate) use validity::{end_of, validity_of};
pub(crate) use verifier::Verdict;
