//! Open connections when the authorities of clients change.

use anyhow::Result;
use lakegate_domain::Operation;
use lakegate_testkit::Authority;

use crate::world::{answers_ping, connect, end_of, files, metric, now, start};

const DISTRUSTED: &str = "lakegate_broker_distrusted_connections_total ";
const GOAWAY: &[u8] = &[7, 0, 0, 0, 0, 0];

#[tokio::test]
async fn xc05_a_connection_whose_authority_is_removed_is_told_to_go_and_closed() -> Result<()> {
    let lake = start().await?;
    let (old, new) = (lake.authority(), Authority::new()?);
    let of_old = connect(&lake, old).await?.unwrap();
    assert!(connect(&lake, &new).await?.is_none());

    lake.tls().renew(files(&lake, &[old, &new])?, now())?;
    let mut of_new = connect(&lake, &new).await?.unwrap();
    assert!(connect(&lake, old).await?.is_some(), "both are trusted while the bundle has both");
    assert_eq!(metric(&lake, DISTRUSTED), 0, "nobody goes when an authority is added");

    lake.tls().renew(files(&lake, &[&new])?, now())?;
    let said = end_of(of_old).await?;
    assert!(said.windows(GOAWAY.len()).any(|bytes| bytes == GOAWAY), "no GOAWAY in {said:?}");
    assert!(metric(&lake, DISTRUSTED) >= 1);
    assert!(connect(&lake, old).await?.is_none(), "no new connection either");
    assert!(answers_ping(&mut of_new).await?, "who is still trusted stays");
    Ok(())
}

#[tokio::test]
async fn xc05_a_caller_on_an_open_connection_is_served_no_more_after_its_authority_is_removed() -> Result<()>
{
    let lake = start().await?;
    let caller = lake.caller("alice")?;
    caller.ask("gs://lake-one/sales/", &[Operation::Read]).await?;
    lake.tls().renew(files(&lake, &[&Authority::new()?])?, now())?;
    // The channel dials again when it was told to go, and is refused.
    let refused = async {
        while caller.ask("gs://lake-one/sales/", &[Operation::Read]).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::world::DEADLINE, refused).await?;
    Ok(())
}

#[tokio::test]
async fn a_new_server_certificate_alone_leaves_open_connections_in_peace() -> Result<()> {
    let lake = start().await?;
    let mut stream = connect(&lake, lake.authority()).await?.unwrap();
    for _ in 0..20 {
        lake.tls().renew(files(&lake, &[lake.authority()])?, now())?;
    }
    assert!(answers_ping(&mut stream).await?);
    assert_eq!(metric(&lake, DISTRUSTED), 0);
    Ok(())
}
