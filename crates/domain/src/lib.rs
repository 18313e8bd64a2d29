//! The words of Lakegate as types: what a principal, a path, an operation or an access token *is*.
//!
//! Everything here is a value that was checked when it was made, so that no later code asks again.
//! There is no I/O, no async and no policy: rules live in `lakegate-policy`, bytes on the wire in
//! `lakegate-proto`.

mod access_token;
mod application;
mod bucket;
mod caller;
mod clock;
mod dialect;
mod error;
mod name;
mod operation;
mod part;
mod path;
mod principal;
mod secret;
mod target;
mod timestamp;

pub use access_token::{AccessToken, Credential, ScopeTag};
pub use application::ApplicationId;
pub use bucket::{Bucket, Scheme};
pub use caller::{Caller, CallerKind, Credentials, Proof};
#[cfg(any(test, feature = "test-util"))]
pub use clock::ManualClock;
pub use clock::{Clock, SystemClock};
pub use dialect::Dialect;
pub use error::{InvalidName, InvalidOperations, InvalidPath, InvalidPrincipal, InvalidTimestamp};
pub use name::{ClassName, DatasetName, GroupName, ProfileName, ProjectName, RuleId, StorageId};
pub use operation::{Operation, OperationSet};
pub use part::Part;
pub use path::{MAX_KEY_BYTES, ObjectPath, Prefix};
pub use principal::Principal;
pub use secret::Secret;
pub use target::Target;
pub use timestamp::Timestamp;
