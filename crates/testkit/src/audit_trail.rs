//! Reads the audit log back.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The audit log of a deployment.
#[derive(Debug, Clone)]
pub struct AuditTrail {
    path: PathBuf,
}

impl AuditTrail {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// All records so far, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read or a line is no JSON.
    pub fn records(&self) -> Result<Vec<serde_json::Value>> {
        let text = std::fs::read_to_string(&self.path).context("audit log")?;
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).context("audit line"))
            .collect()
    }

    /// The record of one request.
    ///
    /// # Errors
    /// When it is not there.
    pub fn record(&self, audit_id: &str) -> Result<serde_json::Value> {
        let records = self.records()?;
        let found =
            records.into_iter().find(|record| record.get("audit_id").is_some_and(|id| id == audit_id));
        found.context("no such audit record")
    }
}
