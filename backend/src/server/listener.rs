//! Listeners: each connection is accepted within the limits, served, and closed in bounded time.

use std::{
    convert::Infallible,
    io, iter,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header, uri::Authority},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep, sleep, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use tracing::Instrument;

use super::{
    active_request::{ActiveRequest, ResponseBody},
    observed_stream::ObservedStream,
    tls::Tls,
};
use crate::{
    config::ListenAddress,
    error::Error,
    rest,
    transport::{
        RequestId, RequestIds, TlsSession,
        connections::{Connection, ConnectionLimits, Connections, Slot},
        forbid_sniffing,
    },
};

/// The maximum size of a request's line and headers, and of the read buffer of a connection, in bytes.
const MAX_BUFFER: usize = 64 * 1024;
/// The delay before the next accept after the machine had no resources for a connection.
const ACCEPT_DELAY: Duration = Duration::from_millis(100);
/// The minimum time between two log lines about connections that cannot be accepted.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// How long idle connections stay open after the server received SIGINT or SIGTERM, because a request may be on its
/// way.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Accepts connections and serves a router on them.
#[derive(Clone)]
pub struct Listeners {
    router: Router,
    connections: Connections,
    request_ids: RequestIds,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Binds every address of a setting.
///
/// # Errors
///
/// A message for the operator that names the setting.
pub(super) async fn bind(setting: &str, wanted: &ListenAddress) -> Result<Vec<TcpListener>> {
    let addresses = wanted.resolve().await.with_context(|| format!("{setting}: {wanted} cannot be resolved"))?;
    let mut listeners: Vec<TcpListener> = Vec::new();
    for mut address in addresses {
        // With port 0 the system chooses a port for the first address, which the other addresses then use too.
        if let Some(first) = listeners.first().and_then(|listener| listener.local_addr().ok()) {
            address.set_port(first.port());
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // `[::]` usually accepts IPv4 connections too, so `0.0.0.0` is in use then; and a machine may support only
            // one of the two.
            Err(error) if wanted.is_any() && may_lack(&error, listeners.is_empty()) => {}
            Err(error) => return Err(error).with_context(|| format!("{setting}: cannot listen on {address}")),
        }
    }
    anyhow::ensure!(!listeners.is_empty(), "{setting}: cannot listen on {wanted}: it has no address");
    Ok(listeners)
}

/// Whether the listener works without one of `[::]` and `0.0.0.0` after this error.
fn may_lack(error: &io::Error, is_first: bool) -> bool {
    if is_first {
        matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::AddrNotAvailable)
            // EAFNOSUPPORT: the machine has no IPv6.
            || error.raw_os_error() == Some(97)
    } else {
        error.kind() == io::ErrorKind::AddrInUse
    }
}

impl Listeners {
    /// Creates the listeners of a router, which accept connections within `limits` once [`Self::listen`] or
    /// [`Self::listen_tls`] is called.
    #[must_use]
    pub fn new(router: Router, limits: ConnectionLimits) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self { router, connections: Connections::new(limits), request_ids: RequestIds::default(), stop, tasks }
    }

    /// The open connections.
    #[must_use]
    pub const fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Accepts connections on this socket from now on, without TLS.
    pub fn listen(&self, listener: TcpListener) {
        let this = self.clone();
        self.tasks.spawn(async move { this.accept(listener, None).await });
    }

    /// Accepts connections on this socket from now on, with TLS.
    pub fn listen_tls(&self, listener: TcpListener, tls: Tls) {
        let this = self.clone();
        self.tasks.spawn(async move { this.accept(listener, Some(tls)).await });
    }

    /// Stops accepting and closes all connections at once.
    pub fn abort(&self) {
        self.stop.cancel();
        self.connections.close_all();
    }

    /// Stops accepting, lets active requests end until `deadline`, and then closes the remaining connections. Returns
    /// false if connections were still open at the deadline.
    pub async fn close(&self, deadline: Instant) -> bool {
        self.stop.cancel();
        let mut closed = pin!(self.connections.closed());
        tokio::select! {
            () = &mut closed => return true,
            () = sleep(LAST_REQUESTS) => self.connections.close_waiting(),
        }
        tokio::select! {
            () = &mut closed => true,
            () = sleep_until(deadline) => {
                self.connections.close_all();
                false
            }
        }
    }

    async fn accept(&self, listener: TcpListener, tls: Option<Tls>) {
        let mut logged: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(slot) = self.connections.open(Instant::now()) else {
                        metrics::counter!("mftplus_connections_closed_total", "reason" => "refused").increment(1);
                        continue;
                    };
                    // Responses are small and written whole, so they must not wait for Nagle's algorithm.
                    drop(stream.set_nodelay(true));
                    match &tls {
                        Some(tls) => self.tasks.spawn(self.clone().serve_tls(tls.clone(), stream, peer, slot)),
                        None => self.tasks.spawn(self.clone().serve(stream, peer, slot, None)),
                    };
                }
                Err(error) if is_of_the_client(&error) => {}
                // No file descriptor or memory is left: closing an idle connection may free some.
                Err(error) => {
                    let has_room = self.connections.make_room();
                    if logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
                        logged = Some(Instant::now());
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            has_room,
                            open = self.connections.len(),
                            "connections cannot be accepted"
                        );
                    }
                    sleep(ACCEPT_DELAY).await;
                }
            }
        }
    }

    /// Performs the TLS handshake, which has the time of a request's headers, and serves the connection.
    async fn serve_tls(self, tls: Tls, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        let connection = Arc::clone(&slot.0);
        let accepted = tokio::select! {
            biased;
            () = connection.closing().cancelled() => return,
            accepted = tls.accept(stream, peer) => accepted,
            () = Overdue::new(Arc::clone(&connection)) => return count_slow(),
        };
        let Some((stream, session)) = accepted else { return };
        connection.secured(Instant::now());
        // On the heap, so that the future does not hold the stream several times.
        self.serve(Box::new(stream), peer, slot, Some(session)).await;
    }

    /// Serves a connection. `stream` carries plain HTTP: what is inside of TLS, if there is any.
    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: SocketAddr,
        slot: Slot,
        tls: Option<TlsSession>,
    ) {
        let Self { router, request_ids, stop, .. } = self;
        let connection = Arc::clone(&slot.0);
        let served = Arc::new(Served { router, request_ids, peer, tls, connection: Arc::clone(&connection) });
        let service = service_fn(move |request| answer(Arc::clone(&served), request));
        let mut builder = http1::Builder::new();
        // Python's `gql` compares `Sec-WebSocket-Protocol` case-sensitively. `deadline` limits the time of headers.
        builder.title_case_headers(true).max_buf_size(MAX_BUFFER).header_read_timeout(None);
        let serving =
            builder.serve_connection(TokioIo::new(ObservedStream::new(stream, slot)), service).with_upgrades();
        let mut serving = pin!(serving);
        let mut overdue = Overdue::new(Arc::clone(&connection));
        // Each is polled only after it was woken: polling a token takes locks, and all connections share those of `stop`.
        let mut closing: FuturesUnordered<_> = iter::once(connection.closing().cancelled()).collect();
        let mut stopping: FuturesUnordered<_> = iter::once(stop.cancelled()).collect();
        loop {
            tokio::select! {
                biased;
                Some(()) = closing.next() => return,
                // An error of the connection concerns its client only.
                _ = serving.as_mut() => return,
                () = &mut overdue => return count_slow(),
                Some(()) = stopping.next() => serving.as_mut().graceful_shutdown(),
            }
        }
    }
}

/// What the requests of a connection share.
struct Served {
    router: Router,
    request_ids: RequestIds,
    peer: SocketAddr,
    tls: Option<TlsSession>,
    connection: Arc<Connection>,
}

/// Counts a connection that was closed because its client was too slow.
fn count_slow() {
    metrics::counter!("mftplus_connections_closed_total", "reason" => "slow").increment(1);
}

/// Whether accepting failed because of the client.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn answer(served: Arc<Served>, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
    let connection = &served.connection;
    let active = ActiveRequest::new(Arc::clone(connection));
    // Before anything else, so that every response has a request id, also dashboard files and errors before routing.
    let id = served.request_ids.of(request.headers());
    let answered = route(&served, request);
    let mut answered = pin!(RequestId::scope(Some(id.clone()), answered).instrument(id.span()));
    let mut response = answered.as_mut().await?;
    id.write(response.headers_mut());
    forbid_sniffing(response.headers_mut());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        connection.upgraded();
    } else if connection.is_over_quota() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| ResponseBody::new(body, active, answered.span())))
}

async fn route(served: &Served, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (mut parts, body) = request.into_parts();
    if let Err(problem) = check_host(&parts.headers, parts.version) {
        return Ok(rest::refuse(Error::Invalid(problem.to_owned())));
    }
    parts.extensions.insert(ConnectInfo(served.peer));
    if let Some(tls) = served.tls {
        parts.extensions.insert(tls);
    }
    parts.extensions.insert(Arc::clone(&served.connection));
    served.router.clone().call(Request::from_parts(parts, Body::new(body))).await
}

/// Checks that a request has exactly one `Host` header with a name or address and at most a port, as section 3.2 of RFC
/// 9112 requires. The RFC allows an empty value.
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let Some(host) = host.filter(|_| second.is_none()) else {
        let is_older = host.is_none() && version < Version::HTTP_11;
        return if is_older { Ok(()) } else { Err("send exactly one `Host` header") };
    };
    let authority = || host.to_str().ok()?.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@'));
    let is_one = host.is_empty() || authority().is_some_and(|host| host.port().is_some() == has_port(host.as_str()));
    if is_one { Ok(()) } else { Err("send a `Host` header that is a host name or address, with at most a port") }
}

/// Whether the authority contains text after the colon that precedes a port.
fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']') && !port.is_empty())
}

/// A future that completes when the deadline of a connection has passed. Each event on the connection wakes the task
/// that polls it.
struct Overdue {
    connection: Arc<Connection>,
    timer: Pin<Box<Sleep>>,
}

impl Overdue {
    fn new(connection: Arc<Connection>) -> Self {
        let timer = Box::pin(sleep_until(connection.deadline().unwrap_or_else(Instant::now)));
        Self { connection, timer }
    }
}

impl Future for Overdue {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.connection.deadline() else { return Poll::Pending };
        // A timer that is too early is reset when it fires; only one that is too late has to be reset now.
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
