//! The service accounts, looked up by address.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::DecodingKey;

use crate::boundary::roles::Permission;
use crate::{BucketRole, EmulatorError, ServiceAccount};

/// A service account, its key parsed.
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) key_id: String,
    pub(crate) key: DecodingKey,
    roles: Vec<BucketRole>,
    may_impersonate: Vec<String>,
}

impl Account {
    /// Whether one of its roles carries the permission on the bucket.
    pub(crate) fn holds(&self, permission: Permission, bucket: &str) -> bool {
        self.roles
            .iter()
            .any(|bound| bound.bucket.as_deref().is_none_or(|b| b == bucket) && bound.role.grants(permission))
    }

    /// Whether it may make tokens for the account of that address.
    pub(crate) fn may_impersonate(&self, email: &str) -> bool {
        self.may_impersonate.iter().any(|target| target == email)
    }
}

/// All accounts, and the one that the metadata server speaks for.
pub(crate) struct Accounts {
    by_email: HashMap<String, Arc<Account>>,
    first: Option<Arc<Account>>,
}

impl Accounts {
    /// Parses the keys of the configured accounts.
    pub(crate) fn new(configured: Vec<ServiceAccount>) -> Result<Self, EmulatorError> {
        let mut by_email = HashMap::new();
        let mut first = None;
        for account in configured {
            let key = DecodingKey::from_rsa_pem(account.public_key_pem.as_bytes())
                .map_err(EmulatorError::PublicKey)?;
            let account = Arc::new(Account {
                email: account.email,
                key_id: account.key_id,
                key,
                roles: account.roles,
                may_impersonate: account.may_impersonate,
            });
            first.get_or_insert_with(|| Arc::clone(&account));
            if by_email.insert(account.email.clone(), account).is_some() {
                return Err(EmulatorError::DuplicateAccount);
            }
        }
        Ok(Self { by_email, first })
    }

    /// The account of that address.
    pub(crate) fn find(&self, email: &str) -> Option<&Arc<Account>> {
        self.by_email.get(email)
    }

    /// The account that the metadata server speaks for.
    pub(crate) fn default_account(&self) -> Option<&Arc<Account>> {
        self.first.as_ref()
    }
}
