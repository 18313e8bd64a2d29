//! Why a text is not an access boundary.

use thiserror::Error;

/// The rule of the format that a boundary breaks; the text goes into `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum RefusedBoundary {
    #[error("options is not a JSON object of the expected shape")]
    Json,
    #[error("options carries no access boundary")]
    Missing,
    #[error("access boundary has no rules")]
    NoRules,
    #[error("access boundary has more than 10 rules")]
    TooManyRules,
    #[error("access boundary is longer than 2048 characters")]
    TooLong,
    #[error("availableResource is not a Cloud Storage bucket")]
    Resource,
    #[error("availablePermissions is empty")]
    NoPermissions,
    #[error("availablePermissions holds something else than inRole: and a known role")]
    Permission,
    #[error("bindCertFingerprint and userProject are not supported here")]
    Option,
    #[error("condition expression is empty")]
    ConditionEmpty,
    #[error("condition expression is longer than 2048 characters")]
    ConditionTooLong,
    #[error("condition expression is nested too deeply")]
    ConditionTooDeep,
    #[error("condition expression holds something that conditions of boundaries do not have")]
    ConditionToken,
    #[error("condition expression cannot be parsed")]
    ConditionSyntax,
    #[error("condition expression has a shape that conditions of boundaries do not have")]
    ConditionShape,
}
