//! `grpc.health.v1.Health`: whether this broker serves, for load balancers and kubelets.
//!
//! The one service that asks for no caller, so it tells one bit and takes no more than a name. The broker serves when
//! there is a policy that is fresh enough, the shared tier was read once, and it is not leaving.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use lakegate_proto::v1::access_token_service_server::SERVICE_NAME as TOKENS;
use lakegate_proto::v1::delegation_token_service_server::SERVICE_NAME as DELEGATION;
use lakegate_proto::v1::policy_service_server::SERVICE_NAME as POLICY;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::Desk;
use super::status::{to_bare_status, unknown_service};
use crate::server::{Phase, reached};
use crate::{Failure, LiveTls};

/// The largest message, in bytes: a service's name.
const LARGEST: usize = 256;

/// The most streams of `Watch` on one connection.
const WATCHES: usize = 4;

/// How often is looked at what nobody tells of: the age of the policy, and whether the shared tier and the
/// revocation lists were read.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a connection lends to its streams of `Watch`.
#[derive(Debug, Clone)]
pub(crate) struct Watches {
    seats: Arc<Semaphore>,
    phases: watch::Receiver<Phase>,
}

impl Watches {
    /// None yet, on a connection that goes through these phases.
    pub(crate) fn of(phases: watch::Receiver<Phase>) -> Self {
        Self { seats: Arc::new(Semaphore::new(WATCHES)), phases }
    }
}

/// What tells whether a broker is of use.
#[derive(Debug, Clone)]
struct Broker {
    desk: Arc<Desk>,
    tls: Arc<LiveTls>,
    phases: watch::Receiver<Phase>,
}

/// The answers of one broker.
#[derive(Debug, Clone)]
struct Answers {
    broker: Broker,
    serves: watch::Sender<bool>,
}

/// The routes that need no caller, of a server that goes through these phases.
pub(crate) fn health_routes(desk: &Arc<Desk>, tls: &Arc<LiveTls>, phases: &watch::Receiver<Phase>) -> Routes {
    let broker = Broker { desk: Arc::clone(desk), tls: Arc::clone(tls), phases: phases.clone() };
    let serves = watch::Sender::new(broker.is_serving());
    tokio::spawn(follow(broker.clone(), serves.clone()));
    let answers = Answers { broker, serves };
    Routes::new(HealthServer::new(answers).max_decoding_message_size(LARGEST))
}

impl Broker {
    fn is_serving(&self) -> bool {
        let pipeline = &self.desk.pipeline;
        *self.phases.borrow() == Phase::Open
            && pipeline.snapshot().is_ok()
            && self.desk.mirror.is_loaded()
            && self.tls.is_complete(pipeline.now())
    }
}

/// Tells all watchers when the answer changes, until the server leaves.
async fn follow(broker: Broker, serves: watch::Sender<bool>) {
    let mut phases = broker.phases.clone();
    let mut policy = broker.desk.pipeline.policy_changes();
    loop {
        let now = broker.is_serving();
        serves.send_if_modified(|told| std::mem::replace(told, now) != now);
        if *phases.borrow() >= Phase::Leaving {
            return;
        }
        tokio::select! {
            changed = phases.changed() => if changed.is_err() { return },
            // The desk holds the feed, so this does not end.
            _ = policy.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn is_ours(service: &str) -> bool {
    service.is_empty() || [TOKENS, DELEGATION, POLICY].contains(&service)
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status as i32 }
}

fn word(serves: bool) -> ServingStatus {
    if serves { ServingStatus::Serving } else { ServingStatus::NotServing }
}

/// One stream of `Watch`.
struct Watching {
    is_ours: bool,
    serves: watch::Receiver<bool>,
    told: Option<ServingStatus>,
    phases: watch::Receiver<Phase>,
    is_over: bool,
    _seat: OwnedSemaphorePermit,
}

impl Watching {
    /// The next change; the last word when the connection is to end, so that no stream holds it.
    async fn next(mut self) -> Option<(Result<HealthCheckResponse, Status>, Self)> {
        loop {
            if self.is_over {
                return None;
            }
            let serves = *self.serves.borrow_and_update();
            // A name that nobody has is no error here (`health.proto`).
            let now = if self.is_ours { word(serves) } else { ServingStatus::ServiceUnknown };
            if self.told != Some(now) {
                self.told = Some(now);
                return Some((Ok(answer(now)), self));
            }
            tokio::select! {
                // The routes hold the sender, so this does not end.
                _ = self.serves.changed() => {}
                () = reached(&mut self.phases, Phase::Leaving) => {
                    self.is_over = true;
                    return Some((Err(to_bare_status(&Failure::Draining)), self));
                }
            }
        }
    }
}

#[tonic::async_trait]
impl Health for Answers {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !is_ours(&request.get_ref().service) {
            return Err(unknown_service());
        }
        Ok(Response::new(answer(word(self.broker.is_serving()))))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watches = request.extensions().get::<Watches>().cloned();
        let Watches { seats, phases } = watches.ok_or_else(|| Status::internal("no connection"))?;
        let full = |_| to_bare_status(&Failure::RateLimited { retry_after: LOOK_EVERY });
        let watching = Watching {
            is_ours: is_ours(&request.get_ref().service),
            serves: self.serves.subscribe(),
            told: None,
            phases,
            is_over: false,
            _seat: seats.try_acquire_owned().map_err(full)?,
        };
        Ok(Response::new(Box::pin(stream::unfold(watching, Watching::next))))
    }
}
