//! Everything the handlers share.

use std::sync::Arc;
use std::time::Duration;

use lakegate_domain::{Clock, Secret, Timestamp};

use crate::accounts::{Account, Accounts};
use crate::boundary::Boundaries;
use crate::counts::Counters;
use crate::oauth::MetadataCache;
use crate::quota::Quota;
use crate::storage::Storage;
use crate::tokens::{TokenRecord, Tokens};
use crate::{EmulatorConfig, EmulatorError, FaultControl};

/// The state of one emulator.
pub(crate) struct Cloud {
    /// `http://address:port`, without a final slash.
    pub(crate) url: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) accounts: Accounts,
    pub(crate) source_life: Duration,
    pub(crate) sts_quota: Quota,
    pub(crate) tokens: Tokens,
    pub(crate) boundaries: Boundaries,
    pub(crate) metadata: MetadataCache,
    pub(crate) storage: Storage,
    pub(crate) faults: FaultControl,
    pub(crate) counters: Counters,
}

impl Cloud {
    /// The state of an emulator that will be reached at `url`.
    pub(crate) fn new(config: EmulatorConfig, url: String) -> Result<Self, EmulatorError> {
        Ok(Self {
            url,
            accounts: Accounts::new(config.service_accounts)?,
            source_life: config.source_life,
            sts_quota: Quota::new(config.sts_per_minute),
            tokens: Tokens::default(),
            boundaries: Boundaries::default(),
            metadata: MetadataCache::default(),
            storage: Storage::new(&config.buckets, Arc::clone(&config.clock))?,
            faults: FaultControl::default(),
            counters: Counters::default(),
            clock: config.clock,
        })
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A source token of the account that lives so long.
    pub(crate) fn issue_source(
        &self,
        account: &Arc<Account>,
        life: Duration,
    ) -> Result<Secret, EmulatorError> {
        let now = self.now();
        let record = TokenRecord { account: Arc::clone(account), expires_at: now.plus(life), boundary: None };
        self.tokens.issue(record, now)
    }
}
