//! One budget per source of tokens, however many storages it serves.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::StorageSettings;
use crate::{Budget, ConfigError};

/// The part of a budget that one process may spend.
#[derive(Debug, Clone, Copy)]
pub struct Spending {
    /// The percentage of all calls: the reserve is 20, pre-fill is 80.
    pub percent: u32,
    /// The processes that divide this percentage.
    pub over: NonZeroU32,
}

/// This process's share of every budget.
#[derive(Debug)]
pub struct Budgets {
    spending: Spending,
    known: HashMap<Payer, Known>,
}

/// Whose calls the cloud counts together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Payer {
    Named(String),
    KeyFile(PathBuf),
    Machine,
}

#[derive(Debug)]
struct Known {
    terms: (u32, u64),
    budget: Arc<Budget>,
}

impl Budgets {
    /// None yet.
    pub fn new(spending: Spending) -> Self {
        Self { spending, known: HashMap::new() }
    }

    /// The budget of a storage: the one it names, else that of its credential.
    pub(super) fn of(&mut self, storage: &StorageSettings) -> Result<Arc<Budget>, ConfigError> {
        let payer = match (&storage.budget, storage.source.key_file()) {
            (Some(name), _) => Payer::Named(name.clone()),
            (None, Some(path)) => Payer::KeyFile(path.to_owned()),
            (None, None) => Payer::Machine,
        };
        let terms = (storage.sts_calls_per_minute, storage.settle_seconds);
        if let Some(known) = self.known.get(&payer) {
            return if known.terms == terms {
                Ok(Arc::clone(&known.budget))
            } else {
                Err(ConfigError::BudgetDiffers)
            };
        }
        let share = Budget::share(terms.0, self.spending.percent, self.spending.over)?;
        let budget = Arc::new(Budget::new(share, Duration::from_secs(terms.1)));
        self.known.insert(payer, Known { terms, budget: Arc::clone(&budget) });
        Ok(budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SourceSettings;
    use lakegate_domain::StorageId;

    fn storage(id: &str, key_file: &str) -> StorageSettings {
        StorageSettings {
            id: StorageId::parse(id).unwrap(),
            source: SourceSettings::KeyFile { path: key_file.into() },
            sts_url: None,
            sts_region: None,
            universe_domain: crate::settings::UniverseDomain::default(),
            budget: None,
            canary: None,
            canary_seconds: 300,
            storage_url: None,
            sts_calls_per_minute: 6_000,
            settle_seconds: 0,
            extra_hosts: Vec::new(),
        }
    }

    fn budgets() -> Budgets {
        Budgets::new(Spending { percent: 20, over: NonZeroU32::MIN })
    }

    #[tokio::test]
    async fn storages_of_one_credential_or_one_name_share_one_budget() {
        let mut budgets = budgets();
        let mut of = |storage: &StorageSettings| budgets.of(storage).unwrap();
        let named =
            |id, file| StorageSettings { budget: Some("project-one".to_owned()), ..storage(id, file) };
        assert!(Arc::ptr_eq(&of(&storage("a", "/one")), &of(&storage("b", "/one"))));
        assert!(!Arc::ptr_eq(&of(&storage("a", "/one")), &of(&storage("c", "/two"))));
        assert!(Arc::ptr_eq(&of(&named("d", "/three")), &of(&named("e", "/four"))));
        assert!(!Arc::ptr_eq(&of(&storage("a", "/one")), &of(&named("f", "/one"))));
    }

    #[tokio::test]
    async fn storages_that_share_a_budget_must_agree_on_it() {
        let mut budgets = budgets();
        budgets.of(&storage("a", "/one")).unwrap();
        let other = StorageSettings { sts_calls_per_minute: 600, ..storage("b", "/one") };
        assert_eq!(budgets.of(&other).err(), Some(ConfigError::BudgetDiffers));
    }
}
