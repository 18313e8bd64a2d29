//! The reasons that `google.rpc.ErrorInfo` carries; `docs/errors.md` says for each what the caller should do.

/// The domain of all reasons.
pub const DOMAIN: &str = "lakegate";

/// No usable credential was presented.
pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
/// Policy says no, whatever the cause: no rule, a deny rule, no such dataset, no such bucket.
pub const PERMISSION_DENIED: &str = "PERMISSION_DENIED";
/// The message is not one of the schema.
pub const MALFORMED_REQUEST: &str = "MALFORMED_REQUEST";
/// A path is not one.
pub const INVALID_PATH: &str = "INVALID_PATH";
/// No operation, or an unknown one.
pub const INVALID_OPERATIONS: &str = "INVALID_OPERATIONS";
/// Not 1 to 4 parts, or parts in several storages, or too many in a batch.
pub const INVALID_PARTS: &str = "INVALID_PARTS";
/// Another field is not valid.
pub const INVALID_FIELD: &str = "INVALID_FIELD";
/// Policy allows what was asked, but the storage cannot make a token for less than what policy forbids.
pub const OPERATIONS_NOT_SEPARABLE: &str = "OPERATIONS_NOT_SEPARABLE";
/// The grant ends before a token could.
pub const GRANT_ENDS_TOO_SOON: &str = "GRANT_ENDS_TOO_SOON";
/// The storage cannot express the scope.
pub const SCOPE_NOT_EXPRESSIBLE: &str = "SCOPE_NOT_EXPRESSIBLE";
/// The storage's token service refuses this very scope.
pub const SCOPE_REFUSED_BY_STORAGE: &str = "SCOPE_REFUSED_BY_STORAGE";
/// The caller's share of narrowed scopes is spent.
pub const SCOPE_FRAGMENTED: &str = "SCOPE_FRAGMENTED";
/// A limit per caller or peer is reached.
pub const RATE_LIMITED: &str = "RATE_LIMITED";
/// The message is larger than the limit.
pub const MESSAGE_TOO_LARGE: &str = "MESSAGE_TOO_LARGE";
/// The cloud's token service is down, slow, or its budget is spent.
pub const TOKEN_SERVICE_UNAVAILABLE: &str = "TOKEN_SERVICE_UNAVAILABLE";
/// The broker has no policy, or one that is too old.
pub const POLICY_UNAVAILABLE: &str = "POLICY_UNAVAILABLE";
/// Who is asking, in which groups, or for whom it may act cannot be found out now: what must be asked does not answer.
pub const IDENTITY_UNAVAILABLE: &str = "IDENTITY_UNAVAILABLE";
/// The audit sink does not take records.
pub const AUDIT_UNAVAILABLE: &str = "AUDIT_UNAVAILABLE";
/// The delegation token to be renewed is over: ended, cancelled, or of before a restore.
pub const DELEGATION_TOKEN_ENDED: &str = "DELEGATION_TOKEN_ENDED";
/// The caller, the proxy, or everybody together has too many delegation tokens.
pub const DELEGATION_TOKEN_QUOTA: &str = "DELEGATION_TOKEN_QUOTA";
/// What becomes of delegation tokens can be neither read nor written, or was not read for too long.
pub const DELEGATION_STATE_UNAVAILABLE: &str = "DELEGATION_STATE_UNAVAILABLE";
/// The broker is going away; ask another.
pub const DRAINING: &str = "DRAINING";
/// The method is not served here.
pub const UNIMPLEMENTED: &str = "UNIMPLEMENTED";
/// The broker's own fault; the audit id finds it.
pub const INTERNAL: &str = "INTERNAL";
