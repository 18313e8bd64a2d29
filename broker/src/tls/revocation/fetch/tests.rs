//! Where lists may come from, and how long one waits for them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A server that answers everybody with these bytes, and then drips if it has to.
async fn server(answer: Vec<u8>, drips: Option<Duration>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = url(&format!("http://{}/list.crl", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _read = stream.read(&mut request).await;
                let _written = stream.write_all(&answer).await;
                while let Some(pause) = drips {
                    tokio::time::sleep(pause).await;
                    if stream.write_all(b"x").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    place
}

fn head(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n")
}

fn small() -> Fetcher {
    Fetcher { max_bytes: 100, whole: Duration::from_millis(300), ..Fetcher::new().unwrap() }
}

#[tokio::test]
async fn what_is_there_is_got_whole() {
    let answer = [head("200 OK", "content-length: 4\r\n").as_bytes(), b"list"].concat();
    assert_eq!(Fetcher::new().unwrap().get(&server(answer, None).await).await.unwrap(), b"list");
}

#[tokio::test]
async fn xc11_a_redirect_is_an_answer_and_not_an_order() {
    for target in
        ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "http://127.0.0.1/other.crl"]
    {
        let answer = head("302 Found", &format!("location: {target}\r\ncontent-length: 0\r\n"));
        let got = small().get(&server(answer.into_bytes(), None).await).await;
        assert!(matches!(got, Err(FetchFault::Status(302))), "{target}: {got:?}");
    }
    let got = small().get(&server(head("404 Not Found", "").into_bytes(), None).await).await;
    assert!(matches!(got, Err(FetchFault::Status(404))), "{got:?}");
}

#[tokio::test]
async fn xc11_an_answer_that_is_too_long_is_given_up_announced_or_not() {
    let announced = head("200 OK", "content-length: 209715200\r\n");
    let unannounced = [head("200 OK", ""), "x".repeat(101)].concat();
    for answer in [announced, unannounced] {
        let got = small().get(&server(answer.into_bytes(), None).await).await;
        assert!(matches!(got, Err(FetchFault::TooLarge)), "{got:?}");
    }
    assert_eq!(MAX_BYTES, 32 << 20);
}

#[tokio::test]
async fn xc11_an_answer_that_drips_or_never_comes_is_given_up() {
    let drips = Some(Duration::from_millis(20));
    let dripping = server(head("200 OK", "content-length: 90\r\n").into_bytes(), drips).await;
    let silent = server(Vec::new(), Some(Duration::from_hours(1))).await;
    for place in [dripping, silent] {
        let got = small().get(&place).await;
        assert!(matches!(got, Err(FetchFault::Late)), "{got:?}");
    }
}

#[tokio::test]
async fn xc11_nobody_is_led_to_files_credentials_or_metadata() {
    for (place, fault) in [
        ("file:///etc/lakegate/list.crl", PlaceFault::Scheme),
        ("ftp://ca.example/list.crl", PlaceFault::Scheme),
        ("ldap://ca.example/cn=ca", PlaceFault::Scheme),
        ("http://user@ca.example/list.crl", PlaceFault::Credentials),
        ("http://:word@ca.example/list.crl", PlaceFault::Credentials),
        ("http://169.254.169.254/latest", PlaceFault::Address),
        ("http://0xa9fea9fe/latest", PlaceFault::Address),
        ("http://2852039166/latest", PlaceFault::Address),
        ("http://[::ffff:169.254.169.254]/latest", PlaceFault::Address),
        ("http://[64:ff9b::a9fe:a9fe]/latest", PlaceFault::Address),
        ("http://[fe80::1]/latest", PlaceFault::Address),
        ("http://[fd00:ec2::254]/latest", PlaceFault::Address),
        ("http://100.100.100.200/latest", PlaceFault::Address),
        ("http://0.0.0.0/latest", PlaceFault::Address),
    ] {
        let got = small().get(&url(place)).await;
        assert!(matches!(got, Err(FetchFault::Place(found)) if found == fault), "{place}: {got:?}");
    }
    for place in ["http://ca.example/list.crl", "https://10.0.0.7:8443/list.crl", "http://[fd12::1]/list.crl"]
    {
        assert_eq!(check_place(&url(place)), Ok(()), "{place}");
    }
}

#[test]
fn xc11_a_name_that_leads_to_metadata_leads_nowhere() {
    let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
    let (good, bad) = (address("10.0.0.7:0"), address("169.254.169.254:0"));
    assert_eq!(allowed([bad, good].into_iter()), Ok(vec![good]));
    assert_eq!(allowed([bad, address("[fe80::1]:0")].into_iter()), Err(PlaceFault::Address));
    assert_eq!(allowed(std::iter::empty()), Err(PlaceFault::Address));
}

#[tokio::test]
async fn a_place_where_nobody_listens_is_said_to_be_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = url(&format!("http://{}/", listener.local_addr().unwrap()));
    drop(listener);
    let got = Fetcher::new().unwrap().get(&place).await;
    assert!(matches!(got, Err(FetchFault::Unreachable(_))), "{got:?}");
}
