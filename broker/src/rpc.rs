//! The methods, one file each. What they share stands in [`desk`].

mod batch_get_access_tokens;
mod cancel_delegation_token;
mod desk;
mod explain;
mod get_access_token;
mod issue_delegation_token;
mod list_datasets;
mod renew_delegation_token;
mod request;
mod service;
mod status;
mod unfinished;

pub(crate) use desk::Desk;
pub(crate) use request::RequestContext;
pub(crate) use service::routes;
pub(crate) use status::{DEADLINE_EXCEEDED, INTERNAL, MALFORMED, UNIMPLEMENTED, fixed_status, to_status};
pub(crate) use unfinished::Unfinished;
