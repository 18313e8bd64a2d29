//! The sample lake: a small company's warehouse, with every kind of decision in it.

use std::time::Duration;

use lakegate_domain::Timestamp;
use lakegate_policy::{LoadError, PolicyDocument, Window};

/// The bucket of the sample lake.
pub const SAMPLE_BUCKET: &str = "lake-sample";

/// The rule whose end depends on when the lake was made.
const SHORT_RULE: &str = "auditor-reads-sales-for-a-while";

/// How long that rule lasts.
const SHORT_GRANT: Duration = Duration::from_mins(10);

/// The policy document of the sample lake, as a person would have written it, with the auditor's grant ending ten
/// minutes from `now`.
///
/// # Errors
/// Never for the document that is shipped; a test reads it.
pub fn sample_policy(now: Timestamp) -> Result<PolicyDocument, LoadError> {
    let mut document = PolicyDocument::from_yaml(include_str!("sample.yaml"))?;
    for rule in document.rules.iter_mut().filter(|rule| rule.id.as_str() == SHORT_RULE) {
        rule.windows = vec![Window { from: None, until: Some(now.plus(SHORT_GRANT)) }];
    }
    Ok(document)
}

/// The objects of the sample lake: key and content.
pub fn sample_objects() -> Vec<(&'static str, &'static str)> {
    vec![
        ("warehouse/sales/us/2026-11-01/part-0.csv", "order,amount\n1,10\n2,20\n"),
        ("warehouse/sales/us/2026-11-02/part-0.csv", "order,amount\n3,30\n"),
        ("warehouse/sales/eu/2026-11-01/part-0.csv", "order,amount\n4,40\n"),
        ("warehouse/sales/eu/pii/customers.csv", "customer,email\n1,someone@example.com\n"),
        ("warehouse/sales_private/margins.csv", "product,margin\n1,0.3\n"),
        ("warehouse/exports/README.txt", "exports for partners\n"),
        ("people/hr/salaries.csv", "person,salary\n1,1\n"),
        ("scratch/analysts/notes.txt", "hello\n"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakegate_policy::Snapshot;

    #[test]
    fn the_sample_policy_is_valid_and_its_short_grant_ends() {
        let now = Timestamp::from_seconds(1_790_000_000);
        let document = sample_policy(now).unwrap();
        let short = document.rules.iter().find(|rule| rule.id.as_str() == SHORT_RULE).unwrap();
        assert_eq!(short.windows[0].until, Some(now.plus(SHORT_GRANT)));
        assert!(Snapshot::compile(&document).is_ok());
    }
}
