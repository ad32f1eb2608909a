//! A TCP proxy before a server, which breaks connections where a test wants it.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What happens once a number of bytes has passed, in both directions and over all connections together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// All connections end. Later ones pass.
    Cut,
    /// Nothing passes on the open connections, and they stay open. Later ones pass.
    Stall,
    /// Nothing passes, and no new connection is passed on, until [`Proxy::release`].
    Hold,
}

/// What the connections speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Any,
    /// FTP without TLS, whose data connections go through the proxy as well.
    Ftp,
}

/// A proxy on a port of its own.
pub(super) struct Proxy {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Each with the bytes that pass before it.
    script: VecDeque<(u64, Fault)>,
    /// Bytes that have passed.
    passed: u64,
    /// Connections so far. A connection is known by its number.
    connections: usize,
    /// The last connection that was cut, and the last one that is stalled.
    cut: usize,
    stalled: usize,
    sockets: Vec<TcpStream>,
    /// The ports of all listeners, to end their threads.
    ports: Vec<u16>,
    /// Bytes that pass at once, with a pause behind them.
    pace: Option<(usize, Duration)>,
    is_over: bool,
}

impl Proxy {
    /// Passes connections on to a port of this machine.
    pub(super) fn start(target: u16, speech: Speech) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        Ok(Self { port: listen(&shared, target, speech)?, shared })
    }

    /// Sets what will happen; each number counts from the fault before it.
    pub(super) fn set_script(&self, script: impl IntoIterator<Item = (u64, Fault)>) {
        self.shared.lock().script = script.into_iter().collect();
        self.shared.changed.notify_all();
    }

    /// Lets `bytes` pass at once on each connection, and then pauses.
    pub(super) fn set_pace(&self, bytes: usize, pause: Duration) {
        self.shared.lock().pace = Some((bytes, pause));
    }

    /// Whether it has come to a [`Fault::Hold`].
    pub(super) fn holds(&self) -> bool {
        matches!(self.shared.lock().script.front(), Some((0, Fault::Hold)))
    }

    /// Goes on after a [`Fault::Hold`].
    pub(super) fn release(&self) {
        let mut state = self.shared.lock();
        if matches!(state.script.front(), Some((0, Fault::Hold))) {
            state.script.pop_front();
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Ends all connections and forgets the script.
    pub(super) fn reset(&self) {
        let mut state = self.shared.lock();
        state.script.clear();
        state.end_connections();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Bytes that have passed so far.
    pub(super) fn passed(&self) -> u64 {
        self.shared.lock().passed
    }

    /// Connections so far, those for data among them.
    pub(super) fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_over = true;
        state.end_connections();
        let ports = std::mem::take(&mut state.ports);
        drop(state);
        self.shared.changed.notify_all();
        for port in ports {
            // A listener without a connection still waits for one.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
    }
}

impl State {
    fn end_connections(&mut self) {
        self.cut = self.connections;
        for socket in self.sockets.drain(..) {
            // The other side may have ended it.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn is_held(&self) -> bool {
        matches!(self.script.front(), Some((0, Fault::Hold)))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of `wanted` bytes may pass now, and how long to wait then; none if the connection has ended. Blocks while
    /// nothing may pass.
    fn admit(&self, connection: usize, wanted: usize) -> Option<(usize, Duration)> {
        let mut state = self.lock();
        loop {
            if state.is_over || connection <= state.cut {
                return None;
            }
            if connection <= state.stalled {
                state = self.wait(state);
                continue;
            }
            let (most, pause) = state.pace.unwrap_or((wanted, Duration::ZERO));
            let most = wanted.min(most);
            let count = match state.script.front_mut() {
                None => most,
                Some((left, _)) if *left > 0 => {
                    let count = usize::try_from(*left).map_or(most, |left| most.min(left));
                    *left -= count as u64;
                    count
                }
                Some((_, Fault::Hold)) => {
                    state = self.wait(state);
                    continue;
                }
                Some((_, fault)) => {
                    let fault = *fault;
                    state.script.pop_front();
                    match fault {
                        Fault::Cut => state.end_connections(),
                        Fault::Stall | Fault::Hold => state.stalled = state.connections,
                    }
                    self.changed.notify_all();
                    continue;
                }
            };
            state.passed += count as u64;
            return Some((count, pause));
        }
    }

    /// Sends all bytes, as the script allows.
    fn send(&self, connection: usize, mut to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let admitted = self.admit(connection, bytes.len());
            let (count, pause) = admitted.ok_or(io::ErrorKind::ConnectionAborted)?;
            to.write_all(&bytes[..count])?;
            bytes = &bytes[count..];
            if !pause.is_zero() {
                // This is what makes the connection slow.
                thread::sleep(pause);
            }
        }
        Ok(())
    }
}

/// Accepts connections on a new port and passes them on to another one.
fn listen(shared: &Arc<Shared>, target: u16, speech: Speech) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    shared.lock().ports.push(port);
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut state = shared.lock();
            while state.is_held() && !state.is_over {
                state = shared.wait(state);
            }
            if state.is_over {
                return;
            }
            drop(state);
            // A client of a server that is gone is closed.
            let _ = pass_on(&shared, client, target, speech);
        }
    });
    Ok(port)
}

fn pass_on(shared: &Arc<Shared>, client: TcpStream, target: u16, speech: Speech) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
    }
    let mut state = shared.lock();
    state.connections += 1;
    let connection = state.connections;
    state.sockets.extend([client.try_clone()?, server.try_clone()?]);
    drop(state);
    let (to_server, from_client) = (server.try_clone()?, client.try_clone()?);
    let forward = Arc::clone(shared);
    thread::spawn(move || end_both(&from_client, &to_server, &pump(&forward, connection, &from_client, &to_server)));
    let backward = Arc::clone(shared);
    thread::spawn(move || {
        let ended = match speech {
            Speech::Any => pump(&backward, connection, &server, &client),
            Speech::Ftp => pump_replies(&backward, connection, &server, &client),
        };
        end_both(&server, &client, &ended);
    });
    Ok(())
}

/// The end of one direction: an orderly one is passed on, any other ends both.
fn end_both(from: &TcpStream, to: &TcpStream, ended: &io::Result<()>) {
    // The sockets may have ended already.
    if ended.is_ok() {
        let _ = to.shutdown(Shutdown::Write);
    } else {
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

fn pump(shared: &Shared, connection: usize, mut from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => shared.send(connection, to, &buffer[..count])?,
        }
    }
}

/// Passes on the replies of an FTP server, with ports of this proxy in the place of those of its data connections.
fn pump_replies(shared: &Arc<Shared>, connection: usize, from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if let Some(port) = data_port(&line) {
            let port = listen(shared, port, Speech::Any)?;
            line = format!("229 Entering Extended Passive Mode (|||{port}|)\r\n").into_bytes();
        }
        shared.send(connection, to, &line)?;
    }
}

/// The port in an answer to EPSV: `229 … (|||PORT|)`.
fn data_port(line: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix("229 ")?;
    line.split("|||").nth(1)?.split('|').next()?.parse().ok()
}

#[test]
fn the_port_of_a_data_connection_is_found_in_its_reply() {
    assert_eq!(data_port(b"229 Entering Extended Passive Mode (|||40123|)\r\n"), Some(40123));
    assert_eq!(data_port(b"226 Transfer complete (|||1|)\r\n"), None);
}
