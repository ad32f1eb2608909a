//! Just enough HTTP to ask a server on this machine one question.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Asks `path` of the server at `address`; the status and the body, or nothing when there is no server.
pub(crate) fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Option<(u16, String)> {
    let patience = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    // HTTP/1.0: the answer comes in one piece, and its end is the end of the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{bearer}\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    parse(&String::from_utf8_lossy(&answer))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_status_and_body() {
        let answer = "HTTP/1.0 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(parse(answer), Some((503, "{}".to_owned())));
    }

    #[test]
    fn half_an_answer_is_none() {
        assert_eq!(parse("HTTP/1.1 200"), None);
        assert_eq!(parse("SSH-2.0-x\r\n\r\n"), None);
    }
}
