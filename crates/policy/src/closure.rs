//! What a token for a set of operations can really do: providers cannot separate them all.

use lakegate_domain::{Dialect, Operation, OperationSet};

/// The operations that a token for `operations` can do at a storage of this dialect.
///
/// - gcs: the role that overwrites also deletes, and the other way round;
/// - s3: `PutObject` creates and overwrites;
/// - azure: the write permission creates too.
pub(crate) fn closure(dialect: Dialect, operations: OperationSet) -> OperationSet {
    let has = |operation| operations.contains(operation);
    let brought = match dialect {
        Dialect::Gcs if has(Operation::Write) || has(Operation::Delete) => {
            OperationSet::of(&[Operation::Create, Operation::Write, Operation::Delete])
        }
        Dialect::Aws | Dialect::Minio | Dialect::GenericS3
            if has(Operation::Create) || has(Operation::Write) =>
        {
            OperationSet::of(&[Operation::Create, Operation::Write])
        }
        Dialect::Azure if has(Operation::Write) => OperationSet::of(&[Operation::Create]),
        _ => OperationSet::EMPTY,
    };
    operations.union(brought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_are_those_of_the_table() {
        let gcs_write = "create+write+delete";
        for (dialect, asked, can) in [
            (Dialect::Gcs, "read", "read"),
            (Dialect::Gcs, "list", "list"),
            (Dialect::Gcs, "create", "create"),
            (Dialect::Gcs, "write", gcs_write),
            (Dialect::Gcs, "delete", gcs_write),
            (Dialect::Gcs, "read+delete", "read+create+write+delete"),
            (Dialect::Aws, "create", "create+write"),
            (Dialect::Minio, "write", "create+write"),
            (Dialect::GenericS3, "create+delete", "create+write+delete"),
            (Dialect::Aws, "delete", "delete"),
            (Dialect::Aws, "read+list", "read+list"),
            (Dialect::Azure, "write", "create+write"),
            (Dialect::Azure, "create", "create"),
            (Dialect::Azure, "delete", "delete"),
        ] {
            let set = |text| OperationSet::parse(text).unwrap();
            assert_eq!(closure(dialect, set(asked)), set(can), "{dialect} {asked}");
        }
    }

    #[test]
    fn closing_twice_adds_nothing() {
        for dialect in [Dialect::Gcs, Dialect::Aws, Dialect::Minio, Dialect::GenericS3, Dialect::Azure] {
            for operation in Operation::ALL {
                let once = closure(dialect, OperationSet::of(&[operation]));
                assert_eq!(closure(dialect, once), once);
            }
        }
    }
}
