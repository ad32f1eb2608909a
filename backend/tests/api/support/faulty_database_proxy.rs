//! A proxy between the server and its PostgreSQL that injects network faults.

use std::{
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed.
    Close,
    /// The connection stays open, but no more bytes are forwarded in either direction.
    Freeze,
}

#[derive(Debug)]
struct State {
    /// Connections from before the newest generation are frozen.
    generation: watch::Sender<usize>,
    /// The fault for the next connection on which the database sends these bytes.
    armed: Mutex<Option<(&'static [u8], Fault)>>,
    lost: AtomicUsize,
}

/// The proxy.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    state: Arc<State>,
    url: String,
}

impl Proxy {
    /// Starts a proxy in front of this database, without faults.
    pub(crate) async fn to(url: &str) -> Self {
        let target = PgConnectOptions::from_str(url).expect("a URL");
        let target = format!("{}:{}", target.get_host(), target.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").to_string();
        let state =
            Arc::new(State { generation: watch::Sender::new(0), armed: Mutex::new(None), lost: AtomicUsize::new(0) });
        let proxy = Self { state: Arc::clone(&state), url: url.replacen(&target, &own, 1) };
        assert_ne!(proxy.url, url, "the URL names its host and port");
        let task = async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.expect("the database");
                spawn(carry(Arc::clone(&state), client, server));
            }
        };
        spawn(task);
        proxy
    }

    /// The URL of the database through the proxy.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Freezes all open connections. New ones work.
    pub(crate) fn freeze(&self) {
        self.state.generation.send_modify(|generation| *generation += 1);
    }

    /// Drops the next answer of the database that contains these bytes, and applies the fault to its connection.
    pub(crate) fn lose(&self, answer: &'static [u8], fault: Fault) {
        *self.state.armed.lock().expect("the network") = Some((answer, fault));
    }

    /// The number of dropped answers.
    pub(crate) fn lost(&self) -> usize {
        self.state.lost.load(SeqCst)
    }
}

/// Spawns a task that ends with the runtime of the test.
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::runtime::Handle::current().spawn(task);
}

async fn carry(state: Arc<State>, client: TcpStream, server: TcpStream) {
    let mut generations = state.generation.subscribe();
    let born = *generations.borrow_and_update();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let frozen = async { drop(generations.wait_for(|generation| *generation > born).await) };
    let fault = tokio::select! {
        () = copy(&mut from_client, &mut to_server) => Fault::Close,
        fault = answers(&state, &mut from_server, &mut to_client) => fault,
        () = frozen => Fault::Freeze,
    };
    if fault == Fault::Freeze {
        // Both ends stay open until the test ends.
        std::future::pending::<()>().await;
    }
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(state: &State, from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> Fault {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let answer = &buffer[..length];
        let holds = |(bytes, _): &(&[u8], Fault)| answer.windows(bytes.len()).any(|window| window == *bytes);
        let fault = state.armed.lock().expect("the network").take_if(|armed| holds(armed));
        if let Some((_, fault)) = fault {
            state.lost.fetch_add(1, SeqCst);
            return fault;
        }
        if to.write_all(answer).await.is_err() {
            break;
        }
    }
    Fault::Close
}
