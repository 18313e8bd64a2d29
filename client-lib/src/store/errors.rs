//! From [`ClientError`] to `object_store::Error`: what engines know how to handle.

use http::StatusCode;
use lakegate_domain::{InvalidPath, OperationSet, Part, Target};
use object_store::Error;
use thiserror::Error as ThisError;

use crate::error::ClientError;

/// The name under which these errors appear.
const STORE: &str = "Lakegate";

/// A location that would reach the storage under another name than policy decided on.
#[derive(Debug, ThisError)]
#[error("location is not the key that the storage would see")]
struct Renamed;

/// What the storage refused a moment ago.
#[derive(Debug, ThisError)]
#[error("the storage refused this less than 30 seconds ago, with a token that the broker had just confirmed")]
struct RefusedLately;

/// A credential of another cloud.
#[derive(Debug, ThisError)]
#[error("the broker's credential is not one for Google Cloud Storage")]
struct ForeignCredential;

/// The broker's refusal in the words of `object_store`.
pub(super) fn from_client(error: ClientError, path: &str) -> Error {
    let path = path.to_owned();
    match error {
        ClientError::Denied(_) => Error::PermissionDenied { path, source: error.into() },
        ClientError::Unauthenticated(_) | ClientError::DelegationToken { .. } => {
            Error::Unauthenticated { path, source: error.into() }
        }
        error => generic(error),
    }
}

pub(super) fn from_path(error: InvalidPath) -> Error {
    generic(ClientError::from(error))
}

pub(super) fn renamed() -> Error {
    generic(Renamed)
}

pub(super) fn refused_lately(path: String) -> Error {
    Error::PermissionDenied { path, source: Box::new(RefusedLately) }
}

pub(super) fn foreign_credential() -> Error {
    generic(ForeignCredential)
}

pub(super) fn part(target: Target, operations: OperationSet) -> Result<Part, Error> {
    Part::new(target, operations).map_err(|error| generic(ClientError::from(error)))
}

/// Listings and completed uploads report every status as generic; the status says what it was.
pub(super) fn refine(error: Error, status: Option<StatusCode>, path: &str) -> Error {
    let path = path.to_owned();
    match (error, status) {
        (Error::Generic { source, .. }, Some(StatusCode::FORBIDDEN)) => {
            Error::PermissionDenied { path, source }
        }
        (Error::Generic { source, .. }, Some(StatusCode::UNAUTHORIZED)) => {
            Error::Unauthenticated { path, source }
        }
        (Error::Generic { source, .. }, Some(StatusCode::NOT_FOUND)) => Error::NotFound { path, source },
        (error, _) => error,
    }
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(error) }
}
