//! GET requests to a server on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use ureq::Agent;

/// The maximum time that a request may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends `GET path` to the server at `address`. Returns the status and the body, or `None` if no complete response
/// arrives in time.
pub(crate) fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Option<(u16, String)> {
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).proxy(None).build();
    let mut request = config.new_agent().get(format!("http://{address}{path}"));
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut response = request.call().ok()?;
    Some((response.status().as_u16(), response.body_mut().read_to_string().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Starts a server that sends `response`. Returns the result of `get` and the request that the server has read.
    fn exchange(response: &'static str) -> (Option<(u16, String)>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(response.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let answer = get(address, "/path?query", Some("secret"));
        (answer, server.join().unwrap())
    }

    #[test]
    fn a_failure_is_returned_with_its_status_and_body() {
        let (answer, request) = exchange("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}");
        assert_eq!(answer, Some((503, "{}".to_owned())));
        assert!(request.starts_with("GET /path?query HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("\r\nauthorization: bearer secret\r\n"), "{request}");
    }

    #[test]
    fn an_incomplete_response_is_none() {
        assert_eq!(exchange("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}").0, None);
        assert_eq!(exchange("SSH-2.0-x\r\n\r\n").0, None);
    }
}
