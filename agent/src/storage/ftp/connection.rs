//! Control connections, which are opened and logged in here, and their data connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::SupportedProtocolVersion;
use secrecy::ExposeSecret as _;
use socket2::{SockRef, TcpKeepalive};
use suppaftp::tokio::{AsyncRustlsFtpStream, AsyncRustlsStream, TransferStream};
use suppaftp::types::{FileType, Response};
use suppaftp::{FtpError, FtpResult, Mode, Status};
use tokio::net::TcpStream;

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::endpoint::{Endpoint, Security};
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::features::Features;
use crate::storage::ftp::idle_timeout_and_stop::Limits;
use crate::storage::ftp::tls::{self, Verifier};

/// A data connection, with the part of the control connection that is needed to end it.
pub(super) type DataStream = TransferStream<AsyncRustlsStream>;

/// A command that opens a data connection.
pub(super) enum DataCommand<'a> {
    Retrieve(&'a str),
    Store(&'a str),
    Append(&'a str),
    /// A whole command line whose answer is a listing.
    List(&'a str),
}

/// A control connection that is logged in.
pub(super) struct Connection {
    stream: AsyncRustlsFtpStream,
    pub(super) features: Features,
    /// The limits of the current operation.
    pub(super) limits: Limits,
    /// The current folder after the login; `None` if the server does not provide it.
    login_folder: Option<String>,
    /// Whether PASV is tried if the data connection after EPSV cannot be opened.
    may_use_pasv: bool,
    /// Set if a data connection could not be opened; the command for it was then not sent.
    is_unreachable: Arc<AtomicBool>,
    /// Whether a data transfer has begun whose final reply has not arrived.
    is_transferring: bool,
    /// Whether the server understands `LIST -a`; `None` until it is known.
    pub(super) lists_hidden: Option<bool>,
}

impl Connection {
    /// Connects to the server and logs in.
    pub(super) async fn open(endpoint: &Endpoint, limits: &Limits) -> Result<Self, Failure> {
        let addresses = resolve(endpoint, limits).await?;
        let stream = match &endpoint.security {
            Security::Plain => greet(endpoint, &addresses, limits).await?,
            Security::Explicit(verifier) | Security::Implicit(verifier) => {
                let [first, second] = tls::VERSIONS;
                match secured(endpoint, &addresses, verifier, first, limits).await {
                    Err(failure) if failure.refuses_tls_version() => {
                        secured(endpoint, &addresses, verifier, second, limits).await?
                    }
                    result => result?,
                }
            }
        };
        log_in(stream, endpoint, limits).await
    }

    /// Sends a command and waits for one of the replies `expected`; any other reply is an error.
    pub(super) async fn command(&mut self, line: impl Into<String>, expected: &[Status]) -> Result<Response, Failure> {
        self.long_command(line, expected, self.limits.idle).await
    }

    /// Like `command`, but the server may take up to `limit` to reply.
    pub(super) async fn long_command(
        &mut self,
        line: impl Into<String>,
        expected: &[Status],
        limit: Duration,
    ) -> Result<Response, Failure> {
        let line: String = line.into();
        let limits = self.limits.clone();
        limits.step_within(limit, self.stream.custom_command(line, expected)).await
    }

    /// Begins a data transfer at `offset`. It ends with `end_transfer`; until then, no other command can be sent.
    pub(super) async fn begin_transfer(
        &mut self,
        command: &DataCommand<'_>,
        offset: u64,
    ) -> Result<DataStream, Failure> {
        let begun = self.try_transfer(command, offset).await;
        let is_unreachable = self.is_unreachable.swap(false, Ordering::Relaxed);
        let begun = match begun {
            // A firewall may allow PASV only. The command has not been sent yet.
            Err(Failure::Other(..)) if is_unreachable && self.may_use_pasv => {
                self.may_use_pasv = false;
                self.stream.set_mode(Mode::Passive);
                self.try_transfer(command, offset).await
            }
            begun => begun,
        };
        self.is_transferring = begun.is_ok();
        begun
    }

    async fn try_transfer(&mut self, command: &DataCommand<'_>, offset: u64) -> Result<DataStream, Failure> {
        let too_far = |_| Failure::Other(StorageErrorKind::Unsupported, "the offset is too great".to_owned());
        let offset = usize::try_from(offset).map_err(too_far)?;
        let limits = self.limits.clone();
        let stream = &mut self.stream;
        limits
            .step(async {
                stream.resume_transfer(offset).await?;
                match command {
                    DataCommand::Retrieve(path) => stream.retr_as_stream(path).await,
                    DataCommand::Store(path) => stream.put_with_stream(path).await,
                    DataCommand::Append(path) => stream.append_with_stream(path).await,
                    DataCommand::List(line) => {
                        let begun = [Status::AboutToSend, Status::AlreadyOpen];
                        stream.custom_data_command(line, &begun).await.map(|(_, stream)| stream)
                    }
                }
            })
            .await
    }

    /// Closes the data connection and waits up to `limit` for the final reply, without which the transfer is not
    /// complete.
    pub(super) async fn end_transfer(&mut self, stream: DataStream, limit: Duration) -> Result<(), Failure> {
        self.limits.step_within(limit, stream.finish()).await?;
        self.is_transferring = false;
        Ok(())
    }

    /// Waits up to 3 seconds for the server's error reply to an interrupted data transfer, and returns it; without a
    /// reply, returns `failure`.
    pub(super) async fn explain(&mut self, failure: Failure) -> Failure {
        const PATIENCE: Duration = Duration::from_secs(3);
        let limits = self.limits.clone();
        let complete = [Status::ClosingDataConnection, Status::RequestedFileActionOk];
        match limits.step_within(PATIENCE, self.stream.read_response_in(&complete)).await {
            Err(reply @ Failure::Reply(..)) => reply,
            _ => failure,
        }
    }

    /// Whether another command can be sent after an operation that ended with `failure`, or without one.
    pub(super) fn is_usable_after(&self, failure: Option<&Failure>) -> bool {
        !self.is_transferring && failure.is_none_or(Failure::is_in_step)
    }

    /// The current folder after the login. Fails if the server did not provide it.
    pub(super) fn login_folder(&self) -> Result<&str, Failure> {
        let unknown = || "the server does not report its login folder; write an absolute path".to_owned();
        self.login_folder.as_deref().ok_or_else(|| Failure::Other(StorageErrorKind::Other, unknown()))
    }

    /// Whether the server answers NOOP within 5 seconds.
    pub(super) async fn is_alive(&mut self) -> bool {
        const PATIENCE: Duration = Duration::from_secs(5);
        matches!(tokio::time::timeout(PATIENCE, self.stream.noop()).await, Ok(Ok(())))
    }

    /// Sends QUIT and closes the connection, whether or not the server answers within 2 seconds.
    pub(super) async fn quit(mut self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let _ = tokio::time::timeout(PATIENCE, self.stream.quit()).await;
    }
}

async fn resolve(endpoint: &Endpoint, limits: &Limits) -> Result<Vec<SocketAddr>, Failure> {
    let lookup = async {
        let found = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await;
        Ok::<_, FtpError>(found.map(Iterator::collect::<Vec<SocketAddr>>))
    };
    let unknown = |text: String| Failure::Other(StorageErrorKind::NameResolution, text);
    match limits.step_within(endpoint.connect, lookup).await? {
        Ok(addresses) if addresses.is_empty() => Err(unknown("the name of the host has no address".to_owned())),
        Ok(addresses) => Ok(addresses),
        Err(error) => Err(unknown(format!("the name of the host could not be resolved: {error}"))),
    }
}

/// Connects to the first address that answers.
async fn greet(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    limits: &Limits,
) -> Result<AsyncRustlsFtpStream, Failure> {
    let mut last = no_address();
    for address in addresses {
        let connect = async { TcpStream::connect(address).await.map_err(FtpError::ConnectionError) };
        match limits.step_within(endpoint.connect, connect).await {
            Ok(socket) => return limits.step(AsyncRustlsFtpStream::connect_with_stream(socket)).await,
            Err(Failure::Stopped) => return Err(Failure::Stopped),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

fn no_address() -> Failure {
    Failure::Other(StorageErrorKind::NameResolution, "the name of the host has no address".to_owned())
}

/// Connects with TLS, and requests TLS for the data connections as well.
async fn secured(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    verifier: &Verifier,
    version: &'static SupportedProtocolVersion,
    limits: &Limits,
) -> Result<AsyncRustlsFtpStream, Failure> {
    let connector = || {
        let unusable = |error: rustls::Error| Failure::Other(StorageErrorKind::Other, error.to_string());
        tls::connector(verifier, version).map_err(unusable)
    };
    if matches!(endpoint.security, Security::Explicit(_)) {
        let stream = greet(endpoint, addresses, limits).await?;
        // This asks for the protection of data connections, too.
        return limits.step(stream.into_secure(connector()?, &endpoint.host)).await;
    }
    let mut last = no_address();
    for address in addresses {
        let connect = AsyncRustlsFtpStream::connect_secure_implicit(*address, connector()?, &endpoint.host);
        match limits.step_within(endpoint.connect, connect).await {
            Ok(mut stream) => {
                for line in ["PBSZ 0", "PROT P"] {
                    limits.step(stream.custom_command(line, &[Status::CommandOk])).await?;
                }
                return Ok(stream);
            }
            Err(failure @ (Failure::Stopped | Failure::Other(StorageErrorKind::Certificate, _))) => {
                return Err(failure);
            }
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// Logs in and sets what applies to all transfers: binary, UTF-8, and how data connections are opened.
async fn log_in(stream: AsyncRustlsFtpStream, endpoint: &Endpoint, limits: &Limits) -> Result<Connection, Failure> {
    let control = {
        let socket = stream.get_ref().await;
        let _ = socket.set_nodelay(true);
        // The control connection is silent during a long transfer; routers must keep its entry.
        let _ = SockRef::from(&*socket).set_tcp_keepalive(&TcpKeepalive::new().with_time(endpoint.keep_alive));
        socket.peer_addr().map_err(Failure::from)?
    };
    let is_unreachable = Arc::new(AtomicBool::new(false));
    let (noted, limit) = (Arc::clone(&is_unreachable), endpoint.connect);
    let mut stream = stream.passive_stream_builder(move |offered| {
        let noted = Arc::clone(&noted);
        let address = data_address(control, offered);
        Box::pin(async move {
            let connected = match tokio::time::timeout(limit, TcpStream::connect(address)).await {
                Ok(connected) => connected,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            };
            noted.store(connected.is_err(), Ordering::Relaxed);
            connected.map_err(FtpError::ConnectionError)
        })
    });
    let password = endpoint.password.expose_secret();
    limits.step(stream.login(endpoint.user.as_str(), password)).await.map_err(|failure| without(password, failure))?;
    // Before any operation, because operations change the current folder.
    let login_folder = limits.step(async { or_refused(stream.pwd().await) }).await?;
    let lines = limits.step(async { or_refused(stream.feat().await) }).await?;
    let features = lines.map_or_else(Features::default, |lines| Features::of(&lines));
    if features.utf8 {
        limits.step(async { or_refused(stream.custom_command("OPTS UTF8 ON", &[Status::CommandOk]).await) }).await?;
    }
    limits.step(stream.transfer_type(FileType::Binary)).await?;
    let mut may_use_pasv = false;
    if endpoint.is_active {
        stream = stream.active_mode(endpoint.connect);
    } else {
        // A server may know EPSV and refuse it, so it is tried once per connection.
        let epsv = stream.custom_command("EPSV", &[Status::ExtendedPassiveMode]);
        let has_epsv = limits.step(async { or_refused(epsv.await) }).await?.is_some();
        may_use_pasv = has_epsv && control.ip().to_canonical().is_ipv4();
        let needs_epsv = control.ip().to_canonical().is_ipv6();
        stream.set_mode(if has_epsv || needs_epsv { Mode::ExtendedPassive } else { Mode::Passive });
    }
    Ok(Connection {
        stream,
        features,
        limits: limits.clone(),
        login_folder,
        may_use_pasv,
        is_unreachable,
        is_transferring: false,
        lists_hidden: None,
    })
}

/// `None` if the server refuses an optional command, or answers in an unknown form.
fn or_refused<T>(result: FtpResult<T>) -> FtpResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(FtpError::UnexpectedResponse(reply)) if reply.status != Status::NotAvailable => Ok(None),
        Err(FtpError::BadResponse) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The address of the data connection: always the host of the control connection. The address in a reply to PASV may be
/// a private one behind a router, or that of any other machine.
fn data_address(control: SocketAddr, offered: SocketAddr) -> SocketAddr {
    let mut address = control;
    address.set_port(offered.port());
    address
}

/// Removes the password from a reply, because a server may repeat what it received.
fn without(password: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Reply(code, text) if !password.is_empty() => {
            Failure::Reply(code, text.replace(password, "[password]"))
        }
        failure => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::{data_address, without};
    use crate::storage::ftp::failure::Failure;

    #[test]
    fn data_connections_go_to_the_host_of_the_control_connection() {
        for (control, offered, expected) in [
            ("203.0.113.7:21", "203.0.113.7:5000", "203.0.113.7:5000"),
            ("203.0.113.7:21", "10.0.0.5:5000", "203.0.113.7:5000"),
            ("203.0.113.7:21", "198.51.100.9:5000", "203.0.113.7:5000"),
            ("[2001:db8::7]:21", "10.0.0.5:5000", "[2001:db8::7]:5000"),
        ] {
            let address = data_address(control.parse().expect("an address"), offered.parse().expect("an address"));
            assert_eq!(address, expected.parse().expect("an address"));
        }
    }

    #[test]
    fn a_server_that_repeats_the_password_does_not_reveal_it() {
        let failure = without("s3cret", Failure::Reply(530, "wrong password s3cret".to_owned()));
        assert!(matches!(failure, Failure::Reply(530, text) if text == "wrong password [password]"));
    }
}
