//! Requests made from random bytes: for every path, with and without credentials, with bodies that are JSON, GraphQL,
//! YAML, other text, or one piece repeated so often that recursive code would overflow its stack.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use tower::ServiceExt;

/// The server under test, with the credentials and ids that requests may use.
pub(crate) struct Target {
    pub(crate) router: Router,
    /// Values of `Authorization`.
    pub(crate) tokens: Vec<String>,
    /// Values of `X-API-Key`.
    pub(crate) keys: Vec<String>,
    /// Ids of objects.
    pub(crate) ids: Vec<String>,
}

/// The paths; `{}` is an id. Paths that wait for something or hash a password are left out, because they only take
/// time.
const PATHS: [&str; 29] = [
    "/graphql",
    "/graphql",
    "/graphql",
    "/graphql",
    "/graphql/ws",
    "/graphiql",
    "/api/agents",
    "/api/agents/{}",
    "/api/agents/{}/heartbeat",
    "/api/agents/{}/transfers",
    "/api/agents/{}/key",
    "/api/agents/{}/rotate-key",
    "/api/transfers",
    "/api/transfers/{}",
    "/api/transfers/batch",
    "/api/jobs",
    "/api/jobs/{}",
    "/api/jobs/{}/runs",
    "/api/pipelines",
    "/api/pipelines/dry-run",
    "/api/pipelines/{}",
    "/api/pipelines/{}/runs",
    "/api/pipelines/schema",
    "/api/customers",
    "/api/customers/{}/enrolment-codes",
    "/api/events",
    "/api/auth/refresh",
    "/api/health/ready",
    "/openapi.json",
];

const METHODS: [Method; 6] = [Method::GET, Method::POST, Method::POST, Method::PATCH, Method::PUT, Method::DELETE];

const TYPES: [&str; 6] = [
    "application/json",
    "application/json; charset=utf-8",
    "application/yaml",
    "text/plain",
    "multipart/form-data",
    "",
];

const ACCEPTED: [&str; 4] = ["*/*", "application/graphql-response+json", "text/html,*/*;q=0.8", "application/json;q=0"];

/// Words of JSON, GraphQL, YAML, schedules and URLs.
const WORDS: [&str; 76] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "\"",
    "\\",
    "\"\"\"",
    "...",
    "$v",
    "@include(if: ",
    "@skip(if: $v)",
    "!",
    "=",
    "#",
    "\n",
    " ",
    "query ",
    "mutation ",
    "subscription ",
    "fragment A on Query ",
    "...A ",
    "on Query ",
    "__typename ",
    "__schema ",
    "transfers ",
    "agents ",
    "nodes ",
    "pipelines ",
    "yaml ",
    "me ",
    "id ",
    "first: 100 ",
    "first",
    "a: ",
    "\"query\":",
    "\"variables\":",
    "\"extensions\":",
    "\"operationName\":",
    "\"{__typename}\"",
    "null",
    "true",
    "1",
    "-1",
    "1e999",
    "9223372036854775808",
    "0.1",
    "\"\"",
    "\"\\u0000\"",
    "\"source\":",
    "\"destination\":",
    "\"status\":",
    "\"completed\"",
    "\"running\"",
    "\"load\":",
    "\"name\":",
    "\"schedule\":",
    "\"* * * * *\"",
    "\"*/0 99 L ? #\"",
    "\"sftp://u:p@h:99999/x?y#z\"",
    "\"http://[::1]/\"",
    "source: /a",
    "\nsteps:\n",
    "- ",
    "? ",
    "&a ",
    "*a ",
    "<<: ",
    "|",
    "${{ params.x }}",
    "${{",
    "\u{feff}",
    "ü\u{202e}",
];

/// Reads random bytes; after their end it reads zeros.
struct Chance<'a>(&'a [u8]);

impl<'a> Chance<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn of<'t, T>(&mut self, these: &'t [T]) -> Option<&'t T> {
        these.get(usize::from(self.byte()) % these.len().max(1))
    }

    fn word(&mut self) -> &'static str {
        self.of(&WORDS).copied().unwrap_or_default()
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// A text: words, one word repeated many times, a document in a request, or the bytes as they are.
    fn text(&mut self) -> Vec<u8> {
        match self.byte() % 5 {
            0 => self.rest().to_vec(),
            1 => {
                let (start, piece, often) =
                    (self.word(), [self.word(), self.word()].concat(), usize::from(self.byte()) * 40);
                [start.as_bytes(), &piece.into_bytes().repeat(often), &self.words().into_bytes()].concat()
            }
            2 => self.words().into_bytes(),
            3 => json(&self.words()),
            _ => {
                let (start, piece, often) = (self.words(), self.word(), usize::from(self.byte()) * 40);
                json(&format!("{{ {start} {} }}", piece.repeat(often)))
            }
        }
    }

    fn words(&mut self) -> String {
        let count = usize::from(self.byte()) % 64;
        (0..count).map(|_| self.word()).collect()
    }
}

/// A request of GraphQL with this document.
fn json(document: &str) -> Vec<u8> {
    serde_json::json!({ "query": document, "variables": { "v": [[1]] } }).to_string().into_bytes()
}

/// Sends the request that these bytes stand for, if they stand for one.
///
/// # Panics
///
/// If the server fails, or the answer is larger than the limit.
pub(crate) async fn check(target: &Target, bytes: &[u8]) {
    let mut chance = Chance(bytes);
    let method = chance.of(&METHODS).cloned().unwrap_or_default();
    let mut path = chance.of(&PATHS).copied().unwrap_or_default().to_owned();
    if path.contains("{}") {
        let id = match chance.byte() % 4 {
            0 => chance.word().to_owned(),
            _ => chance.of(&target.ids).cloned().unwrap_or_default(),
        };
        let id = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC).to_string();
        path = path.replace("{}", &id);
    }
    let mut request = Request::builder().method(&method);
    match chance.byte() % 4 {
        0 => {}
        1 => request = request.header(header::AUTHORIZATION, chance.word()),
        2 => request = request.header("x-api-key", chance.of(&target.keys).cloned().unwrap_or_default()),
        _ => request = request.header(header::AUTHORIZATION, chance.of(&target.tokens).cloned().unwrap_or_default()),
    }
    request = request.header(header::ACCEPT, chance.of(&ACCEPTED).copied().unwrap_or_default());
    request = request.header(header::CONTENT_TYPE, chance.of(&TYPES).copied().unwrap_or_default());
    let is_in_url = chance.byte().is_multiple_of(4);
    let text = chance.text();
    let body = if is_in_url {
        let text = percent_encoding::percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
        path = format!("{path}?query={text}&variables={text}&page={text}&first=1");
        Vec::new()
    } else {
        text
    };
    let Ok(request) = request.uri(&path).body(Body::from(body)) else { return };
    let response = target.router.clone().oneshot(request).await.expect("routers do not fail");
    let status = response.status();
    let body = to_bytes(response.into_body(), 16 * 1024 * 1024).await.expect("a body within its limit");
    assert!(status.as_u16() != 500, "{method} {path:.200}: {}", String::from_utf8_lossy(&body));
}
