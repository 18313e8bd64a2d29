//! Brokers that fail in every way there is, on paused time.

mod failing;
mod hedging;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::error::Refusal;
use crate::testing::{HOUR, answer, part, start};

/// How a broker takes a call.
#[derive(Debug, Clone)]
enum Manner {
    /// Answers after this.
    Answers(Duration),
    /// Fails with this, at once.
    Fails(ClientError),
    /// Takes the call and says nothing.
    Hangs,
}

/// A broker that behaves as it is told, and counts.
#[derive(Debug)]
struct Scripted {
    name: usize,
    manner: Mutex<Manner>,
    calls: Mutex<Vec<Instant>>,
    taken_back: AtomicUsize,
}

struct UnderWay<'a>(&'a Scripted, bool);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.taken_back.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Scripted {
    fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn call_times(&self) -> Vec<Instant> {
        self.calls.lock().unwrap().clone()
    }

    fn taken_back(&self) -> usize {
        self.taken_back.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Host for Scripted {
    async fn call(&self, _ask: &Ask, left: Duration) -> Reply {
        assert!(left > Duration::ZERO, "a call without time");
        self.calls.lock().unwrap().push(Instant::now());
        let mut under_way = UnderWay(self, false);
        let manner = self.manner.lock().unwrap().clone();
        let reply = match manner {
            Manner::Answers(after) => {
                tokio::time::sleep(after).await;
                let covered = [part("gs://lake/wh/", "read")];
                Ok(answer(&covered, &format!("from-{}", self.name), start().plus(HOUR)))
            }
            Manner::Fails(error) => {
                // All who ask at once have asked before the first is told.
                tokio::task::yield_now().await;
                Err(error)
            }
            Manner::Hangs => std::future::pending().await,
        };
        under_way.1 = true;
        reply
    }
}

/// Brokers, the first of which is the one that this client prefers.
struct Fleet {
    brokers: Vec<Arc<Scripted>>,
    endpoints: Arc<Endpoints>,
}

const QUICK: Duration = Duration::from_millis(2);
const TIMEOUT: Duration = Duration::from_secs(10);

impl Fleet {
    fn of(manners: Vec<Manner>) -> Self {
        let scripted = |(name, manner)| {
            Arc::new(Scripted {
                name,
                manner: Mutex::new(manner),
                calls: Mutex::default(),
                taken_back: AtomicUsize::new(0),
            })
        };
        let brokers: Vec<_> = manners.into_iter().enumerate().map(scripted).collect();
        let hosts = brokers.iter().map(|broker| Arc::clone(broker) as Arc<dyn Host>).collect();
        let mut endpoints = Endpoints::of(hosts, TIMEOUT).unwrap();
        endpoints.roster = Roster::in_order(brokers.len());
        Self { brokers, endpoints: Arc::new(endpoints) }
    }

    /// So many brokers that answer at once.
    fn quick(brokers: usize) -> Self {
        Self::of(vec![Manner::Answers(QUICK); brokers])
    }

    /// Asks once; the number of the broker that answered.
    async fn ask(&self) -> Result<usize, ClientError> {
        served_by(self.endpoints.ask(&one()).await)
    }

    /// Asks so often at once; how many failed.
    async fn ask_at_once(&self, requests: usize) -> usize {
        let mut tasks = JoinSet::new();
        for _ in 0..requests {
            let endpoints = Arc::clone(&self.endpoints);
            tasks.spawn(async move { endpoints.ask(&one()).await });
        }
        tasks.join_all().await.into_iter().filter(Result::is_err).count()
    }

    fn calls(&self) -> Vec<usize> {
        self.brokers.iter().map(|broker| broker.calls()).collect()
    }
}

fn one() -> Ask {
    Ask { parts: vec![part("gs://lake/wh/x", "read")], rejected: None }
}

fn served_by(reply: Reply) -> Result<usize, ClientError> {
    let credential = reply?.credential;
    let Some(v1::get_access_token_response::Credential::Bearer(bearer)) = credential else { panic!() };
    Ok(bearer.token.strip_prefix("from-").unwrap().parse().unwrap())
}

fn refused_connection() -> ClientError {
    ClientError::Connect(Arc::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)))
}

fn handshake() -> ClientError {
    ClientError::Handshake(Arc::new(rustls::Error::DecryptError))
}

fn refusal(reason: &'static str) -> Refusal {
    Refusal { reason: Some(reason), audit_id: None }
}

fn unavailable(reason: &'static str, pause: Duration) -> ClientError {
    ClientError::Unavailable { refusal: refusal(reason), retry_after: Some(pause) }
}
