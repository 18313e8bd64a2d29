//! Which cloud's language a storage speaks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Scheme;

/// The protocol family of a storage: decides how scopes are expressed and what cannot be separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Google Cloud Storage, credential access boundaries.
    Gcs,
    /// Amazon S3, session policies.
    Aws,
    /// `MinIO`, session policies without AWS's escapes.
    Minio,
    /// Any other S3 with an STS.
    GenericS3,
    /// Azure Storage, user-delegation SAS.
    Azure,
}

impl Dialect {
    /// The word for the dialect in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gcs => "gcs",
            Self::Aws => "aws",
            Self::Minio => "minio",
            Self::GenericS3 => "generic-s3",
            Self::Azure => "azure",
        }
    }

    /// The scheme in which paths of such a storage are written.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Gcs => Scheme::Gs,
            Self::Aws | Self::Minio | Self::GenericS3 => Scheme::S3,
            Self::Azure => Scheme::Abfss,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
