//! A web server that receives webhooks.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The status of each answer; `None` never answers.
type Answers = Arc<dyn Fn(&ReceivedWebhook) -> Option<u16> + Send + Sync>;

/// A receiver of webhooks on a free port.
pub(crate) struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<ReceivedWebhook>>>,
    serving: JoinHandle<()>,
}

/// A received webhook.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedWebhook {
    /// The path with its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl ReceivedWebhook {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Receiver {
    /// Starts a receiver that answers each webhook with the status that `answers` returns.
    pub(crate) async fn start(answers: impl Fn(&ReceivedWebhook) -> Option<u16> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, answers): (_, Answers) = (Arc::clone(&received), Arc::new(answers));
        let router =
            Router::new().fallback(move |request: Request| take(request, Arc::clone(&kept), Arc::clone(&answers)));
        #[expect(clippy::disallowed_methods, reason = "a listener of the test, not of the server under it")]
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("serving") });
        Self { address, received, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The webhooks received so far.
    pub(crate) fn received(&self) -> Vec<ReceivedWebhook> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(request: Request, kept: Arc<Mutex<Vec<ReceivedWebhook>>>, answers: Answers) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.expect("a body");
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let received = ReceivedWebhook { path, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() };
    let answer = answers(&received);
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    let Some(answer) = answer else { return std::future::pending().await };
    let status = StatusCode::from_u16(answer).expect("a status");
    let elsewhere = [(header::LOCATION, "http://127.0.0.1:1/elsewhere")];
    (status, elsewhere).into_response()
}
