//! A storage that answers by a script, over HTTP on the loopback.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

pub(super) type Request = http::Request<()>;
pub(super) type Reply = http::Response<Vec<u8>>;

struct State {
    script: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

/// A running storage; it stops when it is dropped.
pub(super) struct Peer {
    state: Arc<State>,
    port: u16,
    _server: JoinSet<()>,
}

impl Peer {
    pub(super) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            script: Box::new(script),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&state)));
        Self { state, port, _server: server }
    }

    pub(super) fn url(&self) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(&state);
        let service = service_fn(move |request| reply(request, Arc::clone(&state)));
        connections.spawn(async move {
            let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn reply(
    request: http::Request<Incoming>,
    state: Arc<State>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let _read = body.collect().await;
    let request = Request::from_parts(parts, ());
    state.requests.lock().unwrap().push(request.clone());
    Ok((state.script)(&request).map(|body| Full::new(Bytes::from(body))))
}

fn text(status: u16, body: String) -> Reply {
    http::Response::builder()
        .status(status)
        .header("etag", "\"e1\"")
        .header("x-goog-generation", "1")
        .header("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT")
        .body(body.into_bytes())
        .unwrap()
}

/// An object, or the answer to whatever made one.
pub(super) fn object(body: &str) -> Reply {
    text(200, body.to_owned())
}

/// A refusal in the storage's own form.
pub(super) fn refusal(status: u16) -> Reply {
    text(status, "<Error><Code>Refused</Code></Error>".to_owned())
}

/// A page of a listing.
pub(super) fn listing(keys: &[&str], next: Option<&str>) -> Reply {
    use std::fmt::Write;
    let mut page = "<ListBucketResult>".to_owned();
    for key in keys {
        write!(
            page,
            "<Contents><Key>{key}</Key><LastModified>2026-10-21T07:28:00Z</LastModified>\
             <ETag>\"e1\"</ETag><Size>1</Size></Contents>"
        )
        .unwrap();
    }
    if let Some(token) = next {
        write!(page, "<NextContinuationToken>{token}</NextContinuationToken>").unwrap();
    }
    page.push_str("</ListBucketResult>");
    text(200, page)
}

/// A storage that takes an upload in parts.
pub(super) fn upload(request: &Request) -> Reply {
    let query = request.uri().query().unwrap_or_default();
    if request.method() == http::Method::POST && query.starts_with("uploads") {
        text(200, initiated())
    } else if request.method() == http::Method::POST {
        text(200, completed())
    } else {
        object("")
    }
}

fn initiated() -> String {
    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>".to_owned()
}

fn completed() -> String {
    "<CompleteMultipartUploadResult><ETag>\"e2\"</ETag></CompleteMultipartUploadResult>".to_owned()
}
