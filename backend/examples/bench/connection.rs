//! The keep-alive connections of agents, and their requests.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The text of an HTTP request as an agent sends it.
pub(crate) fn request(method: &str, path: &str, key: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nPrefer: return=minimal\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A connection that opens with its first request, and opens again after the server has closed it.
pub(crate) struct Connection {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    /// How many times the connection was opened.
    pub(crate) opened: usize,
}

impl Connection {
    pub(crate) fn new(address: String) -> Self {
        Self { address, stream: None, buffer: Vec::new(), opened: 0 }
    }

    /// Opens the connection before the first request.
    pub(crate) async fn open(&mut self) -> io::Result<()> {
        self.opened += 1;
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request and reads the answer. Returns its status.
    pub(crate) async fn exchange(&mut self, request: &str) -> io::Result<u16> {
        let was_open = self.stream.is_some();
        match self.try_exchange(request).await {
            Err(_) if was_open => {
                self.stream = None;
                self.try_exchange(request).await
            }
            outcome => outcome,
        }
    }

    /// The last answer, including its head.
    pub(crate) fn answer(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    async fn try_exchange(&mut self, request: &str) -> io::Result<u16> {
        if self.stream.is_none() {
            self.open().await?;
        }
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = answered(&self.buffer) {
                return Ok(status);
            }
        }
    }
}

/// The status of an answer; `None` while the answer is incomplete.
fn answered(received: &[u8]) -> Option<u16> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    // An answer with the status 204 has no `Content-Length`.
    (received.len() >= end + 4 + length.unwrap_or(0)).then(|| head.split(' ').nth(1).unwrap().parse().unwrap())
}
