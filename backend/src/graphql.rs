//! GraphQL: a second API over the same control plane. Queries and mutations over HTTP ([`http`]), all operations over a
//! socket ([`ws`]), each as its specification requires; state subscriptions are shared ([`fanout`]).

use std::{ops::Deref, sync::Arc, time::Duration};

use async_graphql::{SDLExportOptions, SchemaBuilder};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use ipnet::IpNet;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    service::ControlPlane,
    transport::{BodyBudget, OriginPolicy, ResponseBudget, compress},
};

mod agent_links_and_permissions;
mod attention_customer_field;
mod authenticated_sockets;
mod bounded_response_json;
mod close_codes;
mod context;
mod cors;
mod cost;
mod customer_inputs;
mod delivery_duration;
mod document_cache;
mod document_scan;
mod enrolment_code_customer_field;
mod enrolment_code_inputs;
mod errors;
mod executor;
mod failed_field_nulls;
mod fanout;
mod http;
mod id_scalar;
mod idempotency;
mod job_fields;
mod job_inputs;
mod landing_page;
mod loaders;
mod logged_event;
mod mutation;
mod node;
mod operation_extension;
mod outbound_queue;
mod pipeline_fields;
mod pipeline_inputs;
mod pipeline_queries;
mod query;
mod read_input;
mod relay_connections;
mod request;
mod required_variables;
mod response_limit;
mod result_frames;
mod runtimes;
mod saved_view_inputs;
mod series;
mod subscription;
mod transfer_fields;
mod user_fields;
mod user_inputs;
mod websocket_frame;
mod ws;

use mutation::MutationRoot;
use pipeline_queries::PipelineQueries;
use query::{GeneralQueries, QueryRoot};
pub use runtimes::Deliveries;
use subscription::{LogEntries, SubscriptionRoot};

/// The maximum depth of a query. The introspection queries of tools have a depth of 15.
const DEPTH: usize = 16;
/// The maximum complexity of a query: one point for each field, times the sizes of the lists around it.
const COMPLEXITY: usize = 20_000;

/// How long a new socket may send no `connection_init` before it counts towards the limit of unauthenticated sockets of
/// its client address.
pub const INIT_GRACE: Duration = Duration::from_secs(3);

/// The GraphQL schema.
pub(crate) type Schema = async_graphql::Schema<QueryRoot, MutationRoot, SubscriptionRoot>;

/// The settings of GraphQL.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The control plane.
    pub cp: Arc<ControlPlane>,
    /// The tracker of background tasks.
    pub tasks: TaskTracker,
    /// The addresses of proxies whose headers about the client's address are trusted.
    pub trusted_proxies: Arc<[IpNet]>,
    /// The origins whose pages may send requests.
    pub origins: OriginPolicy,
    /// The largest response, in bytes.
    pub max_response: usize,
    /// The memory budget of request bodies.
    pub bodies: BodyBudget,
    /// The memory budget of large responses.
    pub responses: ResponseBudget,
    /// The value of [`INIT_GRACE`], which tests shorten.
    pub init_grace: Duration,
    /// The runtime that serves sockets.
    pub deliveries: Deliveries,
}

/// The state that all handlers and sockets share.
#[derive(Clone)]
struct Graphql(Arc<GraphqlState>);

struct GraphqlState {
    schema: Schema,
    executor: executor::Executor,
    documents: document_cache::Documents,
    settings: Settings,
    fanout: fanout::Fanout,
    sockets: authenticated_sockets::AuthenticatedSockets,
    unauthenticated: ws::UnauthenticatedSockets,
}

impl Deref for Graphql {
    type Target = GraphqlState;

    fn deref(&self) -> &GraphqlState {
        &self.0
    }
}

fn builder(max_response: usize) -> SchemaBuilder<QueryRoot, MutationRoot, SubscriptionRoot> {
    Schema::build(QueryRoot(GeneralQueries, PipelineQueries), MutationRoot, SubscriptionRoot)
        .extension(operation_extension::OperationExtension {
            max_response,
            validations: document_cache::Validations::default(),
        })
        .limit_depth(DEPTH)
        .limit_complexity(COMPLEXITY)
        .limit_directives(16)
}

/// Returns the schema in SDL, sorted, as in `schema.graphql`.
#[must_use]
pub fn document() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    builder(usize::MAX).finish().sdl_with_options(options)
}

/// Creates the router of GraphQL.
pub fn router(settings: Settings) -> Router {
    let schema = builder(settings.max_response).data(Arc::clone(&settings.cp)).data(LogEntries::default()).finish();
    let executor = executor::Executor::new(schema.clone(), settings.clone());
    let fanout = fanout::Fanout::new(schema.clone(), settings.clone());
    let sockets = authenticated_sockets::AuthenticatedSockets::new(Arc::clone(&settings.cp), &settings.tasks);
    let state = Graphql(Arc::new(GraphqlState {
        schema,
        executor,
        documents: document_cache::Documents::default(),
        settings,
        fanout,
        sockets,
        unauthenticated: ws::UnauthenticatedSockets::default(),
    }));
    Router::new()
        .route("/graphiql", get(landing_page::show))
        .route("/graphql", get(http::answer_get).post(http::answer_post).fallback(http::refuse_method))
        .layer(CatchPanicLayer::custom(http::panicked))
        .layer(from_fn_with_state(state.clone(), cors::cors))
        .layer(from_fn(compress))
        .route("/graphql/ws", get(ws::upgrade))
        .with_state(state)
}
