//! The methods, one file each. What they share stands in [`desk`].

mod batch_get_access_tokens;
mod cancel_delegation_token;
mod desk;
mod explain;
mod get_access_token;
mod health;
mod issue_delegation_token;
mod list_datasets;
mod renew_delegation_token;
mod request;
mod service;
mod status;
mod unfinished;

pub(crate) use desk::Desk;
pub(crate) use health::{Watches, health_routes};
pub(crate) use request::RequestContext;
pub(crate) use service::routes;
pub(crate) use status::{
    HEALTHS_OWN, INTERNAL, MALFORMED, UNIMPLEMENTED, bare_fixed_status, fixed_status, to_bare_status,
    to_status,
};
pub(crate) use unfinished::Unfinished;
