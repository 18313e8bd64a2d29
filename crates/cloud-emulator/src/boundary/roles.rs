//! Roles and the permissions they carry.
//!
//! Source: Google, "IAM roles for Cloud Storage". Only the permissions that some call of the emulator needs stand
//! here; verbs on ACLs, IAM policies, folders and retention are absent, so nobody has them.

/// A permission that some storage call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    ObjectsGet,
    ObjectsList,
    ObjectsCreate,
    ObjectsDelete,
    ObjectsUpdate,
    BucketsGet,
    UploadsCreate,
    UploadsListParts,
    UploadsAbort,
    UploadsList,
}

impl Permission {
    /// Its name in Google's documents and error texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ObjectsGet => "storage.objects.get",
            Self::ObjectsList => "storage.objects.list",
            Self::ObjectsCreate => "storage.objects.create",
            Self::ObjectsDelete => "storage.objects.delete",
            Self::ObjectsUpdate => "storage.objects.update",
            Self::BucketsGet => "storage.buckets.get",
            Self::UploadsCreate => "storage.multipartUploads.create",
            Self::UploadsListParts => "storage.multipartUploads.listParts",
            Self::UploadsAbort => "storage.multipartUploads.abort",
            Self::UploadsList => "storage.multipartUploads.list",
        }
    }
}

/// A predefined role of Cloud Storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `roles/storage.objectViewer`: get and list.
    ObjectViewer,
    /// `roles/storage.objectCreator`: create new names only.
    ObjectCreator,
    /// `roles/storage.objectUser`: get, list, create, update, delete.
    ObjectUser,
    /// `roles/storage.objectAdmin`: every object permission.
    ObjectAdmin,
    /// `roles/storage.admin`: every permission.
    Admin,
    /// `roles/storage.legacyObjectReader`: get without list.
    LegacyObjectReader,
    /// `roles/storage.legacyObjectOwner`: get and update.
    LegacyObjectOwner,
    /// `roles/storage.legacyBucketReader`: list and the bucket's metadata.
    LegacyBucketReader,
    /// `roles/storage.legacyBucketWriter`: list, create, delete and the bucket's metadata.
    LegacyBucketWriter,
    /// `roles/storage.legacyBucketOwner`: as the writer, here.
    LegacyBucketOwner,
}

impl Role {
    /// Reads `roles/storage.…`; `None` for a role that the emulator does not know.
    pub fn parse(id: &str) -> Option<Self> {
        Some(match id.strip_prefix("roles/storage.")? {
            "objectViewer" => Self::ObjectViewer,
            "objectCreator" => Self::ObjectCreator,
            "objectUser" => Self::ObjectUser,
            "objectAdmin" => Self::ObjectAdmin,
            "admin" => Self::Admin,
            "legacyObjectReader" => Self::LegacyObjectReader,
            "legacyObjectOwner" => Self::LegacyObjectOwner,
            "legacyBucketReader" => Self::LegacyBucketReader,
            "legacyBucketWriter" => Self::LegacyBucketWriter,
            "legacyBucketOwner" => Self::LegacyBucketOwner,
            _ => return None,
        })
    }

    /// Whether the role carries the permission.
    pub(crate) fn grants(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Admin => true,
            Self::ObjectViewer => matches!(permission, P::ObjectsGet | P::ObjectsList),
            Self::ObjectCreator => {
                matches!(
                    permission,
                    P::ObjectsCreate | P::UploadsCreate | P::UploadsListParts | P::UploadsAbort
                )
            }
            Self::ObjectUser | Self::ObjectAdmin => !matches!(permission, P::BucketsGet),
            Self::LegacyObjectReader => matches!(permission, P::ObjectsGet),
            Self::LegacyObjectOwner => matches!(permission, P::ObjectsGet | P::ObjectsUpdate),
            Self::LegacyBucketReader => matches!(permission, P::BucketsGet | P::ObjectsList | P::UploadsList),
            Self::LegacyBucketWriter | Self::LegacyBucketOwner => {
                !matches!(permission, P::ObjectsGet | P::ObjectsUpdate)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creator_can_neither_read_nor_overwrite() {
        assert!(Role::ObjectCreator.grants(Permission::ObjectsCreate));
        assert!(!Role::ObjectCreator.grants(Permission::ObjectsDelete));
        assert!(!Role::ObjectCreator.grants(Permission::ObjectsGet));
        assert!(!Role::LegacyBucketWriter.grants(Permission::ObjectsGet));
        assert!(!Role::LegacyObjectReader.grants(Permission::ObjectsList));
    }

    #[test]
    fn unknown_roles_are_not_read_as_anything() {
        for id in ["roles/storage.objectviewer", "storage.objectViewer", "roles/owner", "roles/storage.*", ""]
        {
            assert_eq!(Role::parse(id), None, "{id}");
        }
    }
}
