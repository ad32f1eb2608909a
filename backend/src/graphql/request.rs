//! Builds GraphQL requests from the JSON members that clients send over HTTP and on sockets. Every request that is
//! executed is built and checked here ([`CheckedRequest`]), before the library reads its document.

use std::sync::Arc;

use async_graphql::{
    Request, ServerError, Variables,
    parser::types::{ExecutableDocument, OperationType},
};
use serde_json::{Map, Value};

use super::{
    bounded_response_json::write,
    context::{Caller, UNAUTHENTICATED},
    cost,
    document_cache::Documents,
    document_scan,
    errors::{server_error, wrong_document},
};
use crate::{
    error::{Error, FieldErrors, Result},
    transport::spawn_blocking,
};

/// The maximum nesting of `variables` and `extensions`.
const MAX_NESTING: usize = 32;
/// The maximum number of values in `variables` and `extensions`.
const MAX_VALUES: usize = 20_000;
/// The maximum number of tokens of a document without an access token, which may only sign in.
const MAX_TOKENS_WITHOUT_TOKEN: usize = 500;
/// A document of this many bytes or more is parsed on a thread of its own.
const LONG: usize = 8 * 1024;

/// Builds a request from its JSON members, whose types the GraphQL over HTTP specification defines.
///
/// # Errors
///
/// [`Error::Fields`] with every member that is missing, has another type, or is too large;
/// [`Error::PersistedQueryNotSupported`] if the request has a hash instead of a document.
pub(super) fn from_fields(mut fields: Map<String, Value>) -> Result<Request> {
    let mut problems = FieldErrors::default();
    for name in ["variables", "extensions"] {
        let Some(value) = fields.get(name) else { continue };
        if !matches!(value, Value::Null | Value::Object(_)) {
            problems.add(name, "must be an object");
        } else if !is_small(value) {
            problems
                .add(name, format!("is nested deeper than {MAX_NESTING} levels or has more than {MAX_VALUES} values"));
        }
    }
    let query = match fields.remove("query") {
        Some(Value::String(query)) => query,
        None | Some(Value::Null) if names_document(&fields) => return Err(Error::PersistedQueryNotSupported),
        None | Some(Value::Null) => {
            problems.add("query", "is required");
            String::new()
        }
        Some(_) => {
            problems.add("query", "must be a string");
            String::new()
        }
    };
    let mut request = Request::new(query);
    match fields.remove("operationName") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) => request = request.operation_name(name),
        Some(_) => problems.add("operationName", "must be a string"),
    }
    if !problems.is_empty() {
        return Err(Error::Fields(problems));
    }
    if let Some(variables @ Value::Object(_)) = fields.remove("variables") {
        request = request.variables(Variables::from_json(variables));
    }
    Ok(request)
}

/// Whether a request has the hash of a document instead of a document.
pub(super) fn names_document(fields: &Map<String, Value>) -> bool {
    fields.get("extensions").and_then(|extensions| extensions.get("persistedQuery")).is_some_and(Value::is_object)
}

/// Whether a value is within the limits. The parser that read it limits its recursion to 128 levels, so recursion is
/// safe here, and when the value is converted and dropped.
fn is_small(value: &Value) -> bool {
    fn count(value: &Value, nesting: usize) -> usize {
        let inner = |sum: usize, inner: &Value| sum.saturating_add(count(inner, nesting + 1));
        match value {
            Value::Array(_) | Value::Object(_) if nesting >= MAX_NESTING => usize::MAX,
            Value::Array(items) => items.iter().fold(1, inner),
            Value::Object(fields) => fields.values().fold(1, inner),
            _ => 1,
        }
    }
    count(value, 0) <= MAX_VALUES
}

/// A request whose document was parsed and is within the limits.
pub(super) struct CheckedRequest(Request);

impl CheckedRequest {
    /// Parses and checks a request of this caller. Without a token only signing in is allowed; any other document gets
    /// the same error, whether it fits the schema or not.
    ///
    /// # Errors
    ///
    /// The errors of the document.
    pub(super) async fn new(documents: &Documents, request: Request, caller: &Caller) -> Result<Self, ServerError> {
        let is_authenticated = caller.actor.is_some();
        if request.query.len() < LONG {
            return Self::check(documents, request, is_authenticated);
        }
        let documents = documents.clone();
        let checked = spawn_blocking(move || Self::check(&documents, request, is_authenticated)).await;
        checked.unwrap_or_else(|error| Err(server_error(&Error::internal(error))))
    }

    /// Parses and checks a request on the current thread; `is_authenticated` says whether it has a token.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new).
    pub(super) fn check(
        documents: &Documents,
        mut request: Request,
        is_authenticated: bool,
    ) -> Result<Self, ServerError> {
        let known = documents.get(&request.query);
        let tokens = match &known {
            Some(known) => known.tokens,
            None => document_scan::check(&request.query).map_err(|error| server_error(&error))?,
        };
        if !is_authenticated && tokens > MAX_TOKENS_WITHOUT_TOKEN {
            return Err(server_error(&UNAUTHENTICATED));
        }
        let is_new = known.is_none();
        if let Some(known) = known {
            request.set_parsed_query(known.document.clone());
        }
        let variables = std::mem::take(&mut request.variables);
        let text: Option<Arc<str>> = (is_new && is_authenticated).then(|| request.query.as_str().into());
        let document = request.parsed_query().map_err(wrong_document)?;
        if let Some(text) = text {
            documents.keep(text, document, tokens);
        }
        let roots = cost::check(document, &variables).map_err(|error| server_error(&error))?;
        request.variables = variables;
        if !is_authenticated && roots.fields.iter().any(|field| !["login", "__typename"].contains(&field.as_str())) {
            return Err(server_error(&UNAUTHENTICATED));
        }
        Ok(Self(request))
    }

    /// The name of the operation to execute, if the request has one.
    pub(super) fn operation_name(&self) -> Option<String> {
        self.0.operation_name.clone()
    }

    /// Whether the document of the request, or its variables as JSON, are longer than this number of bytes.
    pub(super) fn is_longer_than(&self, bytes: usize) -> bool {
        self.0.query.len() > bytes || write(&self.0.variables, bytes).is_err()
    }

    /// The document of the request.
    ///
    /// # Errors
    ///
    /// Never: the document was parsed before.
    pub(super) fn document(&mut self) -> Result<&ExecutableDocument, ServerError> {
        self.0.parsed_query()
    }

    /// Whether the operation to execute is a mutation.
    pub(super) fn is_mutation(&mut self) -> bool {
        let name = self.operation_name();
        let Ok(document) = self.document() else { return false };
        let mut operations = document.operations.iter();
        operations.any(|(own, operation)| {
            operation.node.ty == OperationType::Mutation
                && name.as_deref().is_none_or(|name| own.is_none_or(|own| own.as_str() == name))
        })
    }

    /// The request, with its document parsed.
    pub(super) fn into_request(self) -> Request {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn refused(value: Value) -> Option<String> {
        let Value::Object(fields) = value else { panic!("an object") };
        from_fields(fields).err().map(|error| error.to_string())
    }

    fn nested(levels: usize) -> Value {
        (0..levels)
            .fold(json!(1), |inner, level| if level.is_multiple_of(2) { json!([inner]) } else { json!({ "a": inner }) })
    }

    #[rstest]
    #[case("variables")]
    #[case("extensions")]
    fn values_nest_so_deep_and_are_so_many(#[case] member: &str) {
        let request = |value: Value| refused(json!({ "query": "{ __typename }", member: { "v": value } }));
        assert_eq!(request(nested(31)), None);
        assert!(request(nested(32)).is_some());
        assert!(request(nested(100)).is_some());
        assert_eq!(request(json!(vec![0; MAX_VALUES - 2])), None);
        assert!(request(json!(vec![0; MAX_VALUES - 1])).is_some());
    }

    #[test]
    fn a_hash_stands_for_no_document_and_is_ignored_beside_one() {
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38" } });
        assert_eq!(refused(json!({ "extensions": extensions })), Some("PersistedQueryNotSupported".to_owned()));
        assert_eq!(
            refused(json!({ "query": null, "extensions": extensions })),
            Some("PersistedQueryNotSupported".to_owned())
        );
        assert_eq!(refused(json!({ "query": "{ __typename }", "extensions": extensions })), None);
        assert_eq!(refused(json!({ "extensions": {} })), Some("query: is required".to_owned()));
    }
}
