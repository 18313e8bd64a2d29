//! Audit: one record per request, accepted before its answer leaves (invariant 9).

mod log;
mod record;

pub use log::{AuditError, AuditLog, AuditSink};
pub use record::{AuditId, AuditIds, CertificateWords, Decision, HandedOut, IssuedToken, NamedToken, Record};
