//! The services: each method takes its context, runs its file, maps its failure.

use std::sync::Arc;

use lakegate_proto::v1;
use lakegate_proto::v1::access_token_service_server::{AccessTokenService, AccessTokenServiceServer};
use lakegate_proto::v1::delegation_token_service_server::{
    DelegationTokenService, DelegationTokenServiceServer,
};
use lakegate_proto::v1::policy_service_server::{PolicyService, PolicyServiceServer};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::{
    Desk, RequestContext, batch_get_access_tokens, cancel_delegation_token, explain, get_access_token,
    issue_delegation_token, list_datasets, renew_delegation_token, to_status,
};
use crate::Failure;

/// The largest message that is decoded at all, in bytes: that of a batch. Smaller kinds check theirs.
const LARGEST_MESSAGE: usize = 128 * 1024;

/// All services over one desk.
#[derive(Debug, Clone)]
struct Services(Arc<Desk>);

/// The routes of the public port. What is not here is answered with UNIMPLEMENTED.
pub(crate) fn routes(desk: Arc<Desk>) -> Routes {
    let services = Services(desk);
    let tokens = AccessTokenServiceServer::new(services.clone()).max_decoding_message_size(LARGEST_MESSAGE);
    let policy = PolicyServiceServer::new(services.clone()).max_decoding_message_size(LARGEST_MESSAGE / 2);
    let delegation =
        DelegationTokenServiceServer::new(services).max_decoding_message_size(LARGEST_MESSAGE / 8);
    Routes::new(tokens).add_service(policy).add_service(delegation)
}

fn respond<T>(context: &RequestContext, outcome: Result<T, Failure>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|failure| to_status(&failure, &context.audit_id))
}

#[tonic::async_trait]
impl AccessTokenService for Services {
    async fn get_access_token(
        &self,
        request: Request<v1::GetAccessTokenRequest>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, get_access_token::handle(&self.0, &context, request.get_ref()).await)
    }

    async fn batch_get_access_tokens(
        &self,
        request: Request<v1::BatchGetAccessTokensRequest>,
    ) -> Result<Response<v1::BatchGetAccessTokensResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, batch_get_access_tokens::handle(&self.0, &context, request.get_ref()).await)
    }
}

#[tonic::async_trait]
impl PolicyService for Services {
    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, explain::handle(&self.0, &context, request.get_ref()).await)
    }

    async fn list_datasets(
        &self,
        request: Request<v1::ListDatasetsRequest>,
    ) -> Result<Response<v1::ListDatasetsResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, list_datasets::handle(&self.0, &context, request.get_ref()).await)
    }
}

#[tonic::async_trait]
impl DelegationTokenService for Services {
    async fn issue(
        &self,
        request: Request<v1::IssueDelegationTokenRequest>,
    ) -> Result<Response<v1::IssueDelegationTokenResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, issue_delegation_token::handle(&self.0, &context, request.get_ref()).await)
    }

    async fn renew(
        &self,
        request: Request<v1::RenewDelegationTokenRequest>,
    ) -> Result<Response<v1::RenewDelegationTokenResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, renew_delegation_token::handle(&self.0, &context, request.get_ref()).await)
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelDelegationTokenRequest>,
    ) -> Result<Response<v1::CancelDelegationTokenResponse>, Status> {
        let context = RequestContext::of(&request)?;
        respond(&context, cancel_delegation_token::handle(&self.0, &context, request.get_ref()).await)
    }
}
