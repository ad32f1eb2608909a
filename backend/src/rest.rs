//! The REST API. This file lists every route with its entry in the OpenAPI document. The name of a handler is also the
//! id of the operation in that document, and the name of the method of the control plane.

use std::{
    convert::Infallible,
    ops::Deref,
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::Route,
};
use ipnet::IpNet;
use tower::{Layer, Service};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    error::Error,
    service::ControlPlane,
    transport::{BodyBudget, OriginPolicy, PublicUrl},
};

mod agents;
mod api_docs;
mod attention;
mod caller;
mod certificate_issue_and_authority;
mod csv_and_ndjson_export;
mod customers;
mod directives;
mod enrolment_codes;
mod envelope;
mod extract;
mod health;
mod job_runs;
mod jobs;
mod list_memory_budget;
mod list_response;
mod middleware;
pub mod openapi;
mod pipeline_runs;
mod pipelines;
mod saved_views;
mod series_samples_and_history;
mod session;
mod transfers;
mod users;

use envelope::Failure;
pub use list_memory_budget::ListBudget;
pub use middleware::Handled;

/// The control plane, as handlers share it.
type Shared = Arc<ControlPlane>;

/// The control plane, the settings and the memory budgets that the handlers use.
#[derive(Clone, Debug)]
pub struct Api {
    /// The control plane.
    pub cp: Arc<ControlPlane>,
    /// The addresses of proxies whose headers about the client's address are trusted.
    pub trusted_proxies: Arc<[IpNet]>,
    /// The URL under which clients reach the server, if it is configured.
    pub public_url: Option<PublicUrl>,
    /// The origins whose pages may use the cookie with the refresh token.
    pub origins: OriginPolicy,
    /// The memory budget of request bodies.
    pub bodies: BodyBudget,
    /// The memory budget of large lists.
    pub lists: ListBudget,
    /// The memory budget of exports.
    pub exports: ListBudget,
}

impl Api {
    /// The base path, below which clients see this API; empty at the root of a host.
    fn base_path(&self) -> &str {
        self.public_url.as_ref().map_or("", PublicUrl::path)
    }
}

/// The state that all handlers share. Every request clones it several times.
#[derive(Clone, Debug)]
struct ApiState(Arc<Api>);

impl Deref for ApiState {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0
    }
}

fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_liveness))
        .routes(routes!(health::get_readiness))
        .routes(routes!(session::login))
        .routes(routes!(session::refresh_session))
        .routes(routes!(session::logout))
        .routes(routes!(session::me))
        .routes(routes!(customers::create_customer, customers::list_customers))
        .routes(routes!(customers::update_customer))
        .routes(routes!(enrolment_codes::create_enrolment_code, enrolment_codes::list_enrolment_codes))
        .routes(routes!(enrolment_codes::delete_enrolment_code))
        .routes(routes!(users::create_user, users::list_users))
        .routes(routes!(users::update_user))
        .routes(routes!(saved_views::create_view, saved_views::list_views))
        .routes(routes!(saved_views::update_view, saved_views::delete_view))
        .routes(routes!(agents::register_agent))
        .routes(routes!(agents::record_heartbeat))
        .routes(routes!(directives::list_directives))
        .routes(routes!(directives::acknowledge_directive))
        .routes(routes!(agents::list_agents))
        .routes(routes!(agents::get_agent, agents::revoke_agent))
        .routes(routes!(agents::list_agent_transfers))
        .routes(routes!(agents::rotate_agent_key))
        .routes(routes!(agents::request_key_rotation))
        .routes(routes!(certificate_issue_and_authority::get_certificate_authority))
        .routes(routes!(certificate_issue_and_authority::issue_agent_certificate))
        .routes(routes!(transfers::create_transfer, transfers::list_transfers, transfers::update_transfers))
        .routes(routes!(transfers::retry_transfers))
        .routes(routes!(transfers::cancel_transfers))
        .routes(routes!(transfers::get_transfer, transfers::update_transfer))
        .routes(routes!(attention::get_attention))
        .routes(routes!(attention::snooze_attention, attention::end_attention_snooze))
        .routes(routes!(jobs::create_job, jobs::list_jobs))
        .routes(routes!(jobs::get_job, jobs::update_job, jobs::delete_job))
        .routes(routes!(job_runs::list_job_runs, job_runs::start_job_run))
        .routes(routes!(job_runs::update_job_run))
        .routes(routes!(pipelines::create_pipeline, pipelines::list_pipelines))
        .routes(routes!(pipelines::get_pipeline_schema))
        .routes(routes!(pipelines::dry_run_pipeline))
        .routes(routes!(pipelines::get_pipeline, pipelines::update_pipeline, pipelines::delete_pipeline))
        .routes(routes!(pipelines::export_pipeline, pipelines::replace_pipeline_definition))
        .routes(routes!(pipelines::list_pipeline_versions))
        .routes(routes!(pipeline_runs::list_pipeline_runs, pipeline_runs::run_pipeline))
        .routes(routes!(pipeline_runs::update_pipeline_step))
        .routes(routes!(series_samples_and_history::get_series))
        .routes(routes!(series_samples_and_history::get_transfer_samples))
        .routes(routes!(series_samples_and_history::get_agent_history))
}

/// The routes and their part of the OpenAPI document, which are the same for all servers of a process.
static ROUTES: LazyLock<(Router<ApiState>, OpenApi)> = LazyLock::new(|| routes().split_for_parts());

/// The OpenAPI document of all routes. It is the same for all servers of a process, so it is built once.
#[must_use]
pub fn document() -> &'static OpenApi {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| openapi::complete(ROUTES.1.clone()));
    &DOCUMENT
}

/// Builds the response to a request that is refused before it is routed.
#[must_use]
pub fn refuse(error: Error) -> Response {
    Failure(error).into_response()
}

/// Creates the router of the API with its middleware.
pub fn router(api: Api) -> Router {
    router_within(api, ())
}

/// Creates the router as [`router`] does, with the layer `outer` around the middleware. Both are added as one layer,
/// because the router clones and boxes every route once per layer, for each request.
pub fn router_within<L>(api: Api, outer: L) -> Router
where
    L: Layer<Handled<Route>> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    let state = ApiState(Arc::new(api));
    let (router, _) = &*ROUTES;
    router
        .clone()
        .merge(api_docs::router(state.base_path()))
        .method_not_allowed_fallback(|| async { Failure(Error::MethodNotAllowed) })
        .fallback(|| async { Failure(Error::NotFound("route")) })
        .layer((outer, middleware::Middleware(state.clone())))
        .with_state(state)
}
