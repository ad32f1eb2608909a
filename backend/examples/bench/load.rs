//! The load generator: each connection sends a request, waits for the answer, and sends the next request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::place::Reporter;

/// The number of stretches so far. Each stretch reports more bytes than the last one, so that transfers make progress.
static STRETCHES: AtomicUsize = AtomicUsize::new(0);
/// The number of bytes by which a transfer advances from the first report of a stretch to that of the next stretch.
const BYTES_OF_STRETCH: usize = 1_000_000_000;

/// The results of one measured stretch.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) count: u32,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Sends reports over `connections` connections for the time `length`. On each connection, a different subset of the
/// agents reports in turn.
pub(crate) fn patches(address: &str, reporters: &Arc<Vec<Reporter>>, connections: usize, length: Duration) -> Measured {
    report(address, reporters, connections, move |start, _| start.elapsed() < length)
}

/// Sends one report for each agent, over `connections` connections.
pub(crate) fn first_patches(address: &str, reporters: &Arc<Vec<Reporter>>, connections: usize) -> Measured {
    let agents = reporters.len();
    report(address, reporters, connections, move |_, position| position < agents)
}

/// Sends reports while `goes_on` returns true. Its arguments are the start, and the position of the next report among
/// all reports.
fn report(
    address: &str,
    reporters: &Arc<Vec<Reporter>>,
    connections: usize,
    goes_on: impl Fn(Instant, usize) -> bool + Copy + Send + 'static,
) -> Measured {
    let base = STRETCHES.fetch_add(1, Ordering::Relaxed) * BYTES_OF_STRETCH;
    let start = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|connection| {
            let (address, reporters) = (address.to_owned(), Arc::clone(reporters));
            thread::spawn(move || {
                let mut line = Line::open(&address);
                let mut times = Vec::new();
                let (mut step, mut position) = (0_usize, connection);
                while goes_on(start, position) {
                    let reporter = &reporters[position % reporters.len()];
                    step += 1;
                    position += connections;
                    let bytes = base + step * 4096;
                    let body =
                        format!("{{\"bytesTransferred\":{bytes},\"progress\":{}.5,\"speed\":{step}}}", step % 99);
                    let sent = Instant::now();
                    let status =
                        line.request("PATCH", &format!("/api/transfers/{}", reporter.transfer), &reporter.key, &body);
                    assert_eq!(status, 200, "{}", line.body());
                    times.push(sent.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times: Vec<Duration> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let elapsed = start.elapsed();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let count = u32::try_from(times.len()).unwrap();
    Measured { count, per_second: f64::from(count) / elapsed.as_secs_f64(), p50: at(50), p99: at(99) }
}

/// Requests an export on a connection of its own. Returns the time until its first rows have arrived.
pub(crate) fn first_rows(address: &str, path: &str, token: &str, accept: &str) -> Duration {
    /// Bytes that hold some rows, but less than a page of rows.
    const SOME: usize = 8 * 1024;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n\r\n");
    let start = Instant::now();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut received, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    while received.len() < SOME {
        let read = stream.read(&mut chunk).unwrap();
        received.extend_from_slice(&chunk[..read]);
        let is_fine = read > 0 && received.starts_with(b"HTTP/1.1 200 ");
        assert!(is_fine, "{path}: {}", String::from_utf8_lossy(&received));
    }
    start.elapsed()
}

/// Requests an export on a connection of its own and reads it to its end. Returns its lines and the time that it took.
pub(crate) fn export(address: &str, path: &str, token: &str, accept: &str) -> (u32, Duration) {
    let mut stream = TcpStream::connect(address).unwrap();
    // HTTP/1.0 has no chunks, whose sizes are lines too: the end of the connection is the end of the body.
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n\r\n");
    let start = Instant::now();
    stream.write_all(request.as_bytes()).unwrap();
    let mut stream = BufReader::with_capacity(256 * 1024, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let read = stream.read_until(b'\n', &mut head).unwrap();
        assert!(read > 0, "{path}: {}", String::from_utf8_lossy(&head));
    }
    assert_eq!(head.get(8..13), Some(&b" 200 "[..]), "{path}: {}", String::from_utf8_lossy(&head));
    let mut lines = 0_u32;
    loop {
        let received = stream.fill_buf().unwrap();
        if received.is_empty() {
            return (lines, start.elapsed());
        }
        lines += u32::try_from(received.split(|byte| *byte == b'\n').count() - 1).unwrap();
        let length = received.len();
        stream.consume(length);
    }
}

/// A keep-alive connection.
pub(crate) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: std::ops::Range<usize>,
}

impl Line {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(64 * 1024), body: 0..0 }
    }

    /// Sends a request with an API key and reads the answer. Returns its status.
    pub(crate) fn request(&mut self, method: &str, path: &str, key: &str, body: &str) -> u16 {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.exchange(&request)
    }

    /// Sends a GET with an access token and reads the answer. Returns its status.
    pub(crate) fn get(&mut self, path: &str, token: &str) -> u16 {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"))
    }

    pub(crate) fn body(&self) -> String {
        String::from_utf8_lossy(&self.buffer[self.body.clone()]).into_owned()
    }

    fn exchange(&mut self, request: &str) -> u16 {
        self.stream.write_all(request.as_bytes()).unwrap();
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            let read = self.stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&chunk[..read]);
            let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            let length = length.expect("a content length");
            if self.buffer.len() >= end + 4 + length {
                self.body = end + 4..end + 4 + length;
                return head.split(' ').nth(1).unwrap().parse().unwrap();
            }
        }
    }
}
