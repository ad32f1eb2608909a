//! The OpenAPI document: its general parts, and the parts that several operations have in common.

use std::collections::HashSet;

use serde_json::{Value, json};
use utoipa::{
    IntoParams, Modify,
    openapi::{
        ContactBuilder, Content, Header, HeaderBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi,
        OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder, ServerBuilder, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{Schema, SchemaFormat},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::envelope::FailureBody;
use crate::{ids::InstanceId, model::transfer::TransferStatus, transport::RATE_LIMIT_HEADERS};

/// The query parameters of a page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct Paging {
    /// Number of the page, counted from 1.
    #[param(minimum = 1, default = 1, example = 1)]
    page: Option<i64>,
    /// Maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 20, example = 20)]
    limit: Option<i64>,
}

/// The query parameter that filters transfers by status.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct StatusQuery {
    /// Transfers with this status.
    status: Option<TransferStatus>,
}

/// The query parameter for the order of transfers.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct TransferSortQuery {
    /// What transfers are sorted by, with `-` before it for descending order. `duration` is that of transfers that have
    /// ended, `speed` the average of completed ones. Transfers without the value come last.
    #[param(pattern = "^-?(createdAt|completedAt|size|duration|speed)$", default = "-createdAt", example = "-size")]
    sort: Option<String>,
}

/// The query parameter for the order of jobs and pipelines.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct ScheduledSortQuery {
    /// What the list is sorted by, with `-` before it for descending order. What has no next slot comes last.
    #[param(pattern = "^-?(createdAt|nextRunAt)$", default = "-createdAt", example = "nextRunAt")]
    sort: Option<String>,
}

/// The query parameter of an offset.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct OffsetQuery {
    /// Number of items to skip. Not allowed together with `page`.
    #[param(minimum = 0)]
    offset: Option<i64>,
}

/// The query parameters of a request for directives.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct WaitQuery {
    /// Seconds to wait for a directive if there is none.
    #[param(minimum = 0, maximum = 60, default = 0, example = 25)]
    wait: Option<i64>,
    /// Process that asks: the `instanceId` that the agent process sends in its heartbeats.
    #[param(rename = "instanceId")]
    instance_id: Option<InstanceId>,
}

/// Creates the document, to which the routes are added later.
pub(super) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("MFTPlus API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Managed file transfer: agents register, send heartbeats and report transfers; customers and administrators \
             see their fleet.\n\nEvery answer is `{\"success\": true, \"data\": …}` or \
             `{\"success\": false, \"error\": …, \"details\": …}`, unless its description says otherwise. Dates and times are \
             RFC 3339 in UTC, ids are UUIDs, byte counts are 64-bit integers. Lists are sorted newest first.",
        ))
        .contact(Some(ContactBuilder::new().name(Some("MFTPlus")).url(Some("https://mftplus.co.za")).build()))
        .license(Some(LicenseBuilder::new().name("Proprietary").url(Some("https://mftplus.co.za/terms")).build()))
        .build();
    let tags = [
        ("Health", "Health of the server."),
        ("Auth", "Sign in and out."),
        ("Customers", "Manage customers and the enrolment codes of their agents."),
        ("Users", "Manage users."),
        ("Views", "Manage the caller's saved views of pages."),
        ("Agents", "Register and manage transfer agents."),
        ("Directives", "Instructions of the server to agents."),
        ("Transfers", "Monitor and report file transfers."),
        ("Attention", "List and snooze what needs an operator's attention."),
        ("Jobs", "Manage scheduled transfers and their runs."),
        ("Pipelines", "Define and run transfer workflows."),
        ("Series", "Query metrics over time."),
    ];
    let tags = tags.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").description(Some("This server")).build()]))
        .tags(Some(tags))
        .build()
}

/// Adds the parts that several operations have in common: security schemes, headers and errors.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    Common.modify(&mut document);
    document
}

struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let key = ApiKeyValue::with_description(
            "X-API-Key",
            "API key of an agent, from its registration or `POST /api/agents/{id}/key`. On the listener for client \
             certificates an agent may leave it out.",
        );
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("Access token of a user, from `POST /api/auth/login`."));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        let failure = <FailureBody as utoipa::PartialSchema>::schema();
        components.schemas.insert("Failure".to_owned(), failure);
        components.headers.insert(REQUEST_ID.to_owned(), RefOr::T(request_id()));
        for (path, item) in &mut document.paths.paths {
            let operations =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
            for operation in operations {
                describe(path, operation);
            }
        }
        prune(document);
    }
}

/// Removes the schemas that are not referenced. Generic envelopes hold their data inline.
fn prune(document: &mut OpenApi) {
    loop {
        let text = document.to_json().unwrap_or_default();
        let references = text.split("\"#/components/schemas/").skip(1);
        let named: HashSet<&str> = references.filter_map(|rest| rest.split('"').next()).collect();
        let Some(components) = &mut document.components else { return };
        let before = components.schemas.len();
        components.schemas.retain(|name, _| named.contains(name.as_str()));
        if components.schemas.len() == before {
            return;
        }
    }
}

/// Operations that accept an idempotency key, because they create an object.
const IDEMPOTENT: &[&str] = &[
    "create_customer",
    "create_user",
    "create_view",
    "create_transfer",
    "create_job",
    "start_job_run",
    "create_pipeline",
    "run_pipeline",
];
/// Operations that may fail with a conflict, because of the state of their object.
const CONFLICTING: &[&str] = &[
    "record_heartbeat",
    "request_key_rotation",
    "list_directives",
    "create_user",
    "update_user",
    "update_transfer",
    "update_job",
    "update_job_run",
    "create_pipeline",
    "get_pipeline",
    "export_pipeline",
    "replace_pipeline_definition",
    "update_pipeline",
    "delete_pipeline",
    "list_pipeline_versions",
    "list_pipeline_runs",
    "update_pipeline_step",
];
/// Operations whose answer has no body if the client prefers that: the heartbeat and each `PATCH`.
const MINIMAL: &[&str] = &[
    "record_heartbeat",
    "update_customer",
    "update_user",
    "update_view",
    "update_transfer",
    "update_transfers",
    "update_job",
    "update_job_run",
    "update_pipeline",
    "update_pipeline_step",
];
/// The name of the component that describes the header with the id of the request.
const REQUEST_ID: &str = "RequestId";
/// Operations without a rate limit.
const UNLIMITED: &[&str] = &["get_health", "get_liveness", "get_readiness", "get_certificate_authority"];

/// Adds to an operation what follows from its kind: the headers of the rate limit and the possible errors.
fn describe(path: &str, operation: &mut Operation) {
    if operation.description.is_none() {
        operation.description = operation.summary.as_ref().map(|summary| format!("{summary}."));
    }
    let id = operation.operation_id.clone().unwrap_or_default();
    let id = id.as_str();
    let is_limited = !UNLIMITED.contains(&id);
    let is_idempotent = IDEMPOTENT.contains(&id);
    if is_idempotent {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
    }
    if MINIMAL.contains(&id) {
        operation.parameters.get_or_insert_default().push(RefOr::T(preference()));
        operation.responses.responses.insert("204".to_owned(), RefOr::T(minimal_answer()));
    }
    optional_body(operation);
    let takes_input = operation.request_body.is_some() || operation.parameters.iter().flatten().any(is_query);
    let is_anonymous = matches!(id, "login" | "refresh_session");
    let forbidden = if is_anonymous {
        "Pages of this origin may not use the cookie"
    } else {
        "The caller has no permission for this"
    };
    let statuses = [
        ("400", takes_input, "The request is invalid", json!({ "fields": { "limit": ["must be between 1 and 100"] } })),
        ("401", is_limited, "The credentials are missing or invalid", Value::Null),
        ("403", is_limited, forbidden, Value::Null),
        (
            "404",
            path.contains('{') || matches!(id, "create_transfer" | "get_certificate_authority" | "get_series"),
            "The object does not exist, or the caller may not see it",
            Value::Null,
        ),
        ("405", true, "The path does not support this method; see `Allow`", Value::Null),
        ("409", is_idempotent || CONFLICTING.contains(&id), "The request conflicts with the stored state", Value::Null),
        ("413", operation.request_body.is_some(), "The body is larger than 1 MiB", Value::Null),
        ("415", operation.request_body.is_some(), "The body is not JSON, or compressed", Value::Null),
        ("422", is_idempotent, "The idempotency key was used with a different body", Value::Null),
        ("429", is_limited, "Too many requests; see `Retry-After`", Value::Null),
        ("500", true, "Internal server error", Value::Null),
        ("503", true, "The server is temporarily unavailable; see `Retry-After`", Value::Null),
    ];
    for (status, applies, description, details) in statuses {
        if applies && !operation.responses.responses.contains_key(status) {
            let response = failure(status, description, &details, is_limited);
            operation.responses.responses.insert(status.to_owned(), RefOr::T(response));
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if is_limited && status.starts_with('2') {
            limit_headers(response);
        }
        let request_id = Ref::new(format!("#/components/headers/{REQUEST_ID}"));
        response.headers.insert("X-Request-Id".to_owned(), RefOr::Ref(request_id));
    }
}

/// Corrects the description of an optional body. It is declared as an `Option`, but null is not allowed.
fn optional_body(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::T(Schema::OneOf(either))) = &content.schema else { continue };
        let named = either.items.iter().find(|item| matches!(item, RefOr::Ref(_))).cloned();
        if named.is_some() {
            content.schema = named;
            body.required = Some(Required::False);
        }
    }
}

fn is_query(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query))
}

fn idempotency_key() -> Parameter {
    let text = "Key of 1 to 255 characters. For 24 hours, a request with the same key and body gets the first answer again and has no \
                second effect.";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)).build()))
        .build()
}

fn preference() -> Parameter {
    let text = "With `return=minimal` the answer is 204 without a body, unless it holds something that the client must know: \
                waiting directives, a refused report of a batch, or a later attempt than the one that was reported.";
    ParameterBuilder::new()
        .name("Prefer")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}

fn minimal_answer() -> utoipa::openapi::Response {
    let text = "The request was carried out. Only with `Prefer: return=minimal`";
    let mut response = ResponseBuilder::new().description(text).build();
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    let applied = HeaderBuilder::new().description(Some("Always `return=minimal`.")).schema(Some(schema)).build();
    response.headers.insert("Preference-Applied".to_owned(), applied.into());
    response
}

fn failure(status: &str, description: &str, details: &Value, is_limited: bool) -> utoipa::openapi::Response {
    let mut content = Content::new(Some(Ref::from_schema_name("Failure")));
    content.example = Some(json!({ "success": false, "error": description, "details": details }));
    let mut response = ResponseBuilder::new().description(description).content("application/json", content).build();
    let number = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
    if matches!(status, "429" | "503") {
        let text = "Seconds to wait before the next request.";
        let header = HeaderBuilder::new().description(Some(text)).schema(Some(number())).build();
        response.headers.insert("Retry-After".to_owned(), header.into());
    }
    if status == "405" {
        let text = "Methods that the path supports.";
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        response.headers.insert(
            "Allow".to_owned(),
            HeaderBuilder::new().description(Some(text)).schema(Some(schema)).build().into(),
        );
    }
    if is_limited && status != "405" && status != "413" {
        limit_headers(&mut response);
    }
    response
}

fn request_id() -> Header {
    let text = "Id of the request: the value of the request header `X-Request-Id` if it has 1 to 64 visible ASCII characters, \
                otherwise a new UUID. Every log line about the request contains it.";
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(64)).build();
    HeaderBuilder::new().description(Some(text)).schema(Some(schema)).build()
}

fn limit_headers(response: &mut utoipa::openapi::Response) {
    let texts = [
        "Maximum number of requests in a window of 60 seconds.",
        "Number of requests left in this window.",
        "End of this window as a Unix time in seconds.",
    ];
    for (name, text) in RATE_LIMIT_HEADERS.into_iter().zip(texts) {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int64)))
            .build();
        response
            .headers
            .insert(name.to_owned(), HeaderBuilder::new().description(Some(text)).schema(Some(schema)).build().into());
    }
}
