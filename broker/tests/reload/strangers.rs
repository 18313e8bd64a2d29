//! Clients that get an alert: no handler hears of them, and each is counted by its reason.

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_testkit::{Authority, Deployment, Issued, tls_client};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, date_time_ymd,
};
use rustls::version::TLS13;

use crate::world::{files, metric, now, open, start};

/// Offers this certificate; tells whether the broker took it.
async fn is_let_in(lake: &Deployment, identity: Option<Issued>) -> Result<bool> {
    let mut config = tls_client(lake.authority(), identity, &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(open(lake, config).await?.is_some())
}

fn counted(lake: &Deployment, reason: &str) -> u64 {
    metric(lake, &format!("lakegate_broker_refused_certificates_total{{reason=\"{reason}\"}} "))
}

#[tokio::test]
async fn xc01_xc02_xc03_xc13_xc15_bad_chains_get_an_alert_and_are_counted_by_reason() -> Result<()> {
    let lake = start().await?;
    lake.tls().renew(files(&lake, &[lake.authority()])?, now())?;
    let root = lake.authority();
    let client = |change: fn(&mut CertificateParams)| root.client_with("alice", change);
    let below = |change: fn(&mut CertificateParams)| {
        root.intermediate_with("Intermediate", change).and_then(|issuer| issuer.client("alice"))
    };
    let mut deep = Authority::new()?;
    for _ in 0..40 {
        deep = deep.intermediate_with("Deep", |_| ())?;
    }
    let stranger = Authority::root_with(|params| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Strangers");
    })?;
    let cases: Vec<(&str, Option<Issued>)> = vec![
        ("none", None),
        ("unknown_issuer", Some(stranger.client("alice")?)),
        ("signature", Some(Authority::new()?.client("alice")?)),
        ("ended", Some(client(|params| params.not_after = date_time_ymd(2020, 1, 1))?)),
        ("not_begun", Some(client(|params| params.not_before = date_time_ymd(3000, 1, 1))?)),
        (
            "usage",
            Some(client(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])?),
        ),
        ("usage", Some(client(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))?)),
        ("constraint", Some(below(|params| params.is_ca = IsCa::NoCa)?)),
        (
            "constraint",
            Some(below(|params| {
                let mut unknown =
                    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
                unknown.set_criticality(true);
                params.custom_extensions = vec![unknown];
            })?),
        ),
        ("limits", Some(deep.client("alice")?)),
    ];
    for (reason, identity) in cases {
        let before = counted(&lake, reason);
        assert!(!is_let_in(&lake, identity).await?, "{reason}");
        assert_eq!(counted(&lake, reason), before + 1, "{reason}");
    }
    assert!(lake.audit().records()?.is_empty(), "no request was made");
    assert!(is_let_in(&lake, Some(below(|_| ())?)).await?);
    lake.caller("alice")?.ask("gs://lake-one/sales/", &[Operation::Read]).await?;
    Ok(())
}
