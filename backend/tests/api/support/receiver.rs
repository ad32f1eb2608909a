//! A web server that takes webhooks.

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

/// What it answers: a status, or nothing for ever.
type Answers = Arc<dyn Fn(&Heard) -> Option<u16> + Send + Sync>;

/// A receiver of webhooks on a free port.
pub(crate) struct Receiver {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    serving: JoinHandle<()>,
}

/// A webhook that came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Receiver {
    /// One that answers each webhook as this says.
    pub(crate) async fn start(answers: impl Fn(&Heard) -> Option<u16> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (kept, answers): (_, Answers) = (Arc::clone(&heard), Arc::new(answers));
        let router =
            Router::new().fallback(move |request: Request| take(request, Arc::clone(&kept), Arc::clone(&answers)));
        #[expect(clippy::disallowed_methods, reason = "a listener of the test, not of the server under it")]
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("serving") });
        Self { address, heard, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What came so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(request: Request, kept: Arc<Mutex<Vec<Heard>>>, answers: Answers) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.expect("a body");
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let heard = Heard { path, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() };
    let answer = answers(&heard);
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    let Some(answer) = answer else { return std::future::pending().await };
    let status = StatusCode::from_u16(answer).expect("a status");
    let elsewhere = [(header::LOCATION, "http://127.0.0.1:1/elsewhere")];
    (status, elsewhere).into_response()
}
