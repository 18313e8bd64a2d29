//! A record for requests that are cancelled: a client that goes away mid-request drops its future.

use super::{Desk, RequestContext};
use crate::audit::Decision;

/// Watches over a request; writes a record when it is dropped before anybody wrote one.
pub(crate) struct Unfinished<'a> {
    desk: &'a Desk,
    context: &'a RequestContext,
    rpc: &'static str,
}

impl<'a> Unfinished<'a> {
    /// Begins to watch.
    pub(crate) fn new(desk: &'a Desk, context: &'a RequestContext, rpc: &'static str) -> Self {
        Self { desk, context, rpc }
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.context.is_audited() {
            return;
        }
        let mut record = self.context.record(self.rpc, self.desk.pipeline.now());
        (record.decision, record.reason) = (Decision::Error, "cancelled");
        self.desk.metrics.requests.with_label_values(&[record.rpc, record.reason]).inc();
        if self.desk.audit.submit(&record).is_err() {
            self.desk.metrics.audit_failures.inc();
        }
    }
}
