//! The TCP connection to a server, direct or through a SOCKS5 proxy.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use crate::config::resolved_endpoint::SftpSettings;
use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::sftp::failure::Failure;
use crate::storage::sftp::socks::{self, Login};

/// The maximum number of addresses of a host that are tried.
const MAX_ADDRESSES: usize = 4;

/// The port of a proxy whose URL has none.
const PROXY_PORT: u16 = 1080;

/// The server to connect to. It does not implement `Debug`, because the URL of the proxy may contain a password.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) proxy: Option<&'a Url>,
    /// The timeout for each address, and for the handshake.
    pub(crate) timeout: Duration,
    pub(crate) legacy_algorithms: bool,
}

impl<'a> Target<'a> {
    pub(crate) fn of(settings: &'a SftpSettings) -> Self {
        Self {
            host: bare(&settings.host),
            port: settings.port,
            proxy: settings.proxy.as_ref(),
            timeout: settings.timeouts.connect,
            legacy_algorithms: settings.legacy_algorithms,
        }
    }
}

/// A host without the brackets that an IPv6 address has in a URL.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Connects to the server, through the proxy if there is one.
pub(crate) async fn dial(target: &Target<'_>) -> Result<TcpStream, Failure> {
    let Some(proxy) = target.proxy else {
        return dial_direct(target.host, target.port, target.timeout).await;
    };
    let name = proxy.host_str().unwrap_or_default();
    let of_proxy =
        |failure: Failure| Failure::new(failure.kind, format!("through the proxy {name}: {}", failure.detail));
    if !matches!(proxy.scheme(), "socks5" | "socks5h") {
        return Err(Failure::new(
            Kind::Unsupported,
            "the proxy for SFTP must be one of SOCKS5: write socks5://HOST:PORT",
        ));
    }
    let port = proxy.port().unwrap_or(PROXY_PORT);
    let mut stream = dial_direct(bare(name), port, target.timeout).await.map_err(of_proxy)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = (!proxy.username().is_empty())
        .then(|| Login { user: decoded(proxy.username()), password: decoded(proxy.password().unwrap_or_default()) });
    let asked = socks::connect(&mut stream, target.host, target.port, login.as_ref());
    let connected = timeout(target.timeout, asked).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    connected.map_err(|error| of_proxy(Failure::of_io(&error)))?;
    Ok(stream)
}

async fn dial_direct(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Failure> {
    let unresolved =
        |why: String| Failure::new(Kind::NameResolution, format!("the name {host} could not be resolved: {why}"));
    let found = timeout(limit, lookup_host((host, port))).await;
    let found = found.map_err(|_| unresolved("no answer in time".to_owned()))?;
    let addresses: Vec<SocketAddr> = found.map_err(|error| unresolved(error.to_string()))?.collect();
    let mut failure = unresolved("it has no address".to_owned());
    for address in addresses.into_iter().take(MAX_ADDRESSES) {
        let connected = timeout(limit, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                // Requests are small, and must be sent without delay.
                stream.set_nodelay(true).map_err(|error| Failure::of_io(&error))?;
                return Ok(stream);
            }
            Err(error) => failure = Failure::of_io(&error),
        }
    }
    Err(failure)
}
