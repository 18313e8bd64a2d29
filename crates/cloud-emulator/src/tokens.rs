//! The tokens that are out, and what each can do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakegate_domain::{Secret, Timestamp};

use crate::EmulatorError;
use crate::accounts::Account;
use crate::boundary::Boundary;

/// What stands behind a bearer token.
pub(crate) struct TokenRecord {
    /// Whose rights it carries.
    pub(crate) account: Arc<Account>,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
    /// What cuts those rights down; `None` is a source token.
    pub(crate) boundary: Option<Arc<Boundary>>,
}

/// All live tokens by their text.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<State>);

#[derive(Default)]
struct State {
    records: HashMap<String, Arc<TokenRecord>>,
    purge_above: usize,
}

impl Tokens {
    /// Hands out a new token: `ya29.emu-` and 192 random bits.
    pub(crate) fn issue(&self, record: TokenRecord, now: Timestamp) -> Result<Secret, EmulatorError> {
        let mut random = [0_u8; 24];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| EmulatorError::Crypto)?;
        let text = format!("ya29.emu-{}", URL_SAFE_NO_PAD.encode(random));
        let mut state = self.lock();
        state.purge(now);
        state.records.insert(text.clone(), Arc::new(record));
        Ok(Secret::new(text))
    }

    /// What stands behind the token, while it lives.
    pub(crate) fn find(&self, text: &str, now: Timestamp) -> Option<Arc<TokenRecord>> {
        self.lock().records.get(text).filter(|record| record.expires_at > now).map(Arc::clone)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets ended tokens whenever their number has doubled since the last time.
    fn purge(&mut self, now: Timestamp) {
        if self.records.len() > self.purge_above {
            self.records.retain(|_, record| record.expires_at > now);
            self.purge_above = (self.records.len() * 2).max(1024);
        }
    }
}
