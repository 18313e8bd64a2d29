//! What new connections meet after the settings were renewed, well or badly.

use anyhow::Result;
use lakegate_broker::tls::{AuthorityFiles, AuthorityName, Revocation, TlsFiles};
use lakegate_domain::Timestamp;
use lakegate_testkit::{Authority, Issued, tls_client};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{connect, end_of, files, metric, now, open, start};

/// A TLS 1.0 and a TLS 1.1 `ClientHello`, RFC 2246 and RFC 4346 section 7.4.1.2, with one cipher suite of their time.
fn old_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, minor];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    hello
}

#[tokio::test]
async fn xc26_after_a_thousand_reloads_all_that_was_refused_still_is() -> Result<()> {
    let lake = start().await?;
    let other = Authority::new()?;
    for turn in 0..1_000 {
        let bundle: &[&Authority] =
            if turn % 2 == 0 { &[lake.authority(), &other] } else { &[lake.authority()] };
        lake.tls().renew(files(&lake, bundle)?, now())?;
    }
    let identity = || lake.authority().client("alice");
    let h2 = |mut config: rustls::ClientConfig| {
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    };
    let alice = h2(tls_client(lake.authority(), Some(identity()?), &[&TLS13])?);
    assert!(open(&lake, alice).await?.is_some());
    let tls12 = h2(tls_client(lake.authority(), Some(identity()?), &[&TLS12])?);
    assert!(open(&lake, tls12).await?.is_none(), "TLS 1.2");
    let nobody = h2(tls_client(lake.authority(), None, &[&TLS13])?);
    assert!(open(&lake, nobody).await?.is_none(), "no client certificate");
    let stranger = h2(tls_client(lake.authority(), Some(Authority::new()?.client("alice")?), &[&TLS13])?);
    assert!(open(&lake, stranger).await?.is_none(), "a stranger's certificate");
    assert!(connect(&lake, &other).await?.is_none(), "an authority that was removed");
    let bare = tls_client(lake.authority(), Some(identity()?), &[&TLS13])?;
    let before = metric(&lake, "lakegate_broker_refused_connections_total{cause=\"alpn\"} ");
    end_of(lake.handshake(bare).await?).await?;
    let after = metric(&lake, "lakegate_broker_refused_connections_total{cause=\"alpn\"} ");
    assert_eq!(after, before + 1, "no protocol");
    for minor in [1, 2] {
        let mut stream = tokio::net::TcpStream::connect(lake.address()).await?;
        stream.write_all(&old_hello(minor)).await?;
        let mut answer = Vec::new();
        tokio::time::timeout(crate::world::DEADLINE, stream.read_to_end(&mut answer)).await??;
        // An alert and nothing else: RFC 8446, section 6.
        assert_eq!((answer.first(), answer.len()), (Some(&21), 7), "TLS 1.{}: {answer:?}", minor - 1);
    }
    Ok(())
}

#[tokio::test]
async fn xc25_an_authority_is_removed_though_the_certificate_in_force_has_ended() -> Result<()> {
    let lake = start().await?;
    let compromised = Authority::new()?;
    let with = |server: &Issued, bundle: &[&Authority]| -> Result<TlsFiles> {
        let (chain, key) = (server.chain.clone(), server.key.clone_key());
        Ok(TlsFiles { chain, key, ..files(&lake, bundle)? })
    };
    let (server, another) = (lake.authority().ended_server()?, lake.authority().ended_server()?);
    let while_it_was_valid = Timestamp::from_seconds(959_817_600);
    lake.tls().renew(with(&server, &[lake.authority(), &compromised])?, while_it_was_valid)?;
    assert!(
        lake.tls().renew(with(&another, &[lake.authority()])?, now()).is_err(),
        "a new one that has ended"
    );
    lake.tls().renew(with(&server, &[lake.authority()])?, now())?;
    lake.tls().renew(files(&lake, &[lake.authority()])?, now())?;
    assert!(
        lake.tls().renew(with(&server, &[lake.authority()])?, now()).is_err(),
        "it is not in force any more"
    );
    Ok(())
}

#[tokio::test]
async fn xc05_xc26_no_session_is_resumed_and_no_early_data_is_taken() -> Result<()> {
    let lake = start().await?;
    lake.tls().renew(files(&lake, &[lake.authority()])?, now())?;
    let mut config = tls_client(lake.authority(), Some(lake.authority().client("alice")?), &[&TLS13])?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.enable_early_data = true;
    for _ in 0..2 {
        let stream = open(&lake, config.clone()).await?.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.tls13_tickets_received(), 0);
        assert_eq!(connection.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert!(!connection.is_early_data_accepted());
    }
    Ok(())
}

#[tokio::test]
async fn xc25_settings_that_do_not_fit_are_refused_whole_and_the_old_ones_serve_on() -> Result<()> {
    let lake = start().await?;
    let authority = lake.authority();
    let good = || files(&lake, &[authority]);
    let Issued { key: foreign_key, .. } = authority.server()?;
    let ends = Timestamp::from_seconds(70_000_000_000);
    let of = |certificates| {
        vec![AuthorityFiles {
            name: AuthorityName::default_name(),
            certificates,
            revocation: Revocation::Unchecked,
        }]
    };
    let cases: Vec<(&str, TlsFiles, Timestamp)> = vec![
        ("a key of another certificate", TlsFiles { key: foreign_key, ..good()? }, now()),
        ("no authority", TlsFiles { authorities: Vec::new(), ..good()? }, now()),
        ("an authority of nothing", TlsFiles { authorities: of(Vec::new()), ..good()? }, now()),
        (
            "an authority that is none",
            TlsFiles { authorities: of(authority.client("x")?.chain), ..good()? },
            now(),
        ),
        ("no certificate", TlsFiles { chain: Vec::new(), ..good()? }, now()),
        (
            "an authority cut short",
            TlsFiles { authorities: of(vec![vec![0x30, 0x82].into()]), ..good()? },
            now(),
        ),
        ("a certificate that has ended", good()?, ends),
        ("a certificate that has not begun", good()?, Timestamp::from_seconds(0)),
    ];
    for (what, files, at) in cases {
        assert!(lake.tls().renew(files, at).is_err(), "{what}");
        assert!(connect(&lake, authority).await?.is_some(), "{what}: the old settings do not serve");
    }
    lake.tls().renew(good()?, now())?;
    Ok(())
}
