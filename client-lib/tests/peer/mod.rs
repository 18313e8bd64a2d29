//! A broker that answers by a script, over real TLS with certificates of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Uri;
use lakegate_client::{ClientConfig, ClientIdentity};
use lakegate_proto::v1;
use lakegate_proto::v1::access_token_service_server::{AccessTokenService, AccessTokenServiceServer};
use lakegate_proto::v1::get_access_token_response::Credential;
use lakegate_proto::v1::policy_service_server::{PolicyService, PolicyServiceServer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

pub(crate) type Reply = Result<v1::GetAccessTokenResponse, Status>;
type Ask = v1::GetAccessTokenRequest;
type Script = dyn Fn(&Ask, usize) -> Reply + Send + Sync;

/// A certificate authority and the certificates it gives.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.0.as_ref().der().clone()
    }

    /// A certificate for a name, as `change` makes it.
    pub(crate) fn identity(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> ClientIdentity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &*self.0).unwrap();
        ClientIdentity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

struct Service {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<(Ask, bool)>>>,
}

#[tonic::async_trait]
impl AccessTokenService for Service {
    async fn get_access_token(
        &self,
        request: Request<Ask>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        let known = request.peer_certs().is_some_and(|chain| !chain.is_empty());
        let ask = request.into_inner();
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((ask.clone(), known));
            asked.len() - 1
        };
        (self.script)(&ask, number).map(Response::new)
    }

    async fn batch_get_access_tokens(
        &self,
        _request: Request<v1::BatchGetAccessTokensRequest>,
    ) -> Result<Response<v1::BatchGetAccessTokensResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Explains everything by saying that it is allowed; counts as if a token had been asked for.
struct Explainer {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<(Ask, bool)>>>,
}

#[tonic::async_trait]
impl PolicyService for Explainer {
    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let ask = Ask { parts: request.into_inner().part.into_iter().collect(), ..Ask::default() };
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((ask.clone(), true));
            asked.len() - 1
        };
        (self.script)(&ask, number)?;
        let (document, audit_id) = ("{}".to_owned(), "audit-1".to_owned());
        Ok(Response::new(v1::ExplainResponse { allowed: true, snapshot: 7, document, audit_id }))
    }

    async fn list_datasets(
        &self,
        _request: Request<v1::ListDatasetsRequest>,
    ) -> Result<Response<v1::ListDatasetsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A running broker; it stops when it is dropped.
pub(crate) struct Broker {
    port: u16,
    asked: Arc<Mutex<Vec<(Ask, bool)>>>,
    _tasks: JoinSet<()>,
}

impl Broker {
    /// A broker with a certificate of its own; clients may show one of `authority`.
    pub(crate) async fn start(
        authority: &Authority,
        identity: ClientIdentity,
        script: impl Fn(&Ask, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::default();
        let script: Arc<Script> = Arc::new(script);
        let service = Service { script: Arc::clone(&script), asked: Arc::clone(&asked) };
        let explainer = Explainer { script, asked: Arc::clone(&asked) };
        let (sender, connections) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor(authority, identity), sender));
        tasks.spawn(async move {
            let _ended = tonic::transport::Server::builder()
                .add_service(AccessTokenServiceServer::new(service))
                .add_service(PolicyServiceServer::new(explainer))
                .serve_with_incoming(ReceiverStream::new(connections))
                .await;
        });
        Self { port, asked, _tasks: tasks }
    }

    pub(crate) fn uri(&self) -> Uri {
        format!("https://localhost:{}", self.port).parse().unwrap()
    }

    /// What was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().iter().map(|(ask, _)| ask.clone()).collect()
    }

    /// Whether every caller showed a certificate.
    pub(crate) fn knew_everybody(&self) -> bool {
        self.asked.lock().unwrap().iter().all(|(_, known)| *known)
    }
}

pub(crate) fn acceptor(authority: &Authority, identity: ClientIdentity) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<std::io::Result<TlsStream<TcpStream>>>,
) {
    let mut handshakes = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        handshakes.spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                let _gone = sender.send(Ok(stream)).await;
            }
        });
    }
}

/// A client configuration for a broker.
pub(crate) fn config(endpoints: Vec<Uri>, authority: &Authority) -> ClientConfig {
    let mut config = ClientConfig::new(endpoints, vec![authority.certificate()]);
    config.request_timeout = Duration::from_secs(30);
    config
}

/// A token for all of `wh/sales/` until 2100.
pub(crate) fn sales() -> v1::GetAccessTokenResponse {
    v1::GetAccessTokenResponse {
        credential: Some(Credential::Bearer(v1::BearerCredential { token: "canary-6e0a".to_owned() })),
        expires_at: Some(prost_types::Timestamp { seconds: 4_102_444_800, nanos: 0 }),
        refresh_after: None,
        covered: vec![v1::Part { path: "gs://lake/wh/sales/".to_owned(), operations: vec![1, 2] }],
        closure: vec![1, 2],
        audit_id: "audit-1".to_owned(),
        ends_early: false,
        storage: "lake".to_owned(),
    }
}
