//! One connection to a server: the SSH session, the sign-in, and the SFTP session over it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::client::{self, GexParams};
use russh::keys::{HashAlg, PublicKey};
use russh::{ChannelMsg, SshId};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::rawsession::{Limits, SftpResult};
use russh_sftp::client::{Config as SftpConfig, RawSftpSession};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::resolved_endpoint::SftpSettings;
use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::sftp::activity::{Activity, Watched};
use crate::storage::sftp::algorithms;
use crate::storage::sftp::authentication::{self, Key};
use crate::storage::sftp::extensions::{Extensions, LIMITS};
use crate::storage::sftp::failure::{Failure, SshError};
use crate::storage::sftp::host_key::{SessionEnd, Trust, Verifier};
use crate::storage::sftp::known_hosts::line_for;
use crate::storage::sftp::transport::{self, Target};

/// The SSH window: the number of bytes that a server may send before it must wait.
const WINDOW: u32 = 16 * 1024 * 1024;

/// The maximum length of an SFTP response in bytes.
const MAX_ANSWER: u32 = 256 * 1024;

/// The minimum, preferred and maximum size of groups for the Diffie-Hellman key exchange in bits, as in OpenSSH.
const GROUP_SIZES: (usize, usize, usize) = (2048, 4096, 8192);

/// The maximum time to wait for the end of a session after its connection is lost.
const GOODBYE: Duration = Duration::from_secs(1);

type Session = client::Handle<Verifier>;

/// A connection that is signed in.
pub(crate) struct Connection {
    ssh: Session,
    pub(crate) session: Arc<RawSftpSession>,
    pub(crate) extensions: Extensions,
    /// The absolute path of the login folder.
    pub(crate) login_folder: String,
    activity: Arc<Activity>,
    /// How the SSH session ended; empty while it is active.
    end: Arc<OnceLock<SessionEnd>>,
    /// Whether a request failed without a response, so that the connection must not be used again.
    is_broken: AtomicBool,
}

/// The host key that a server presents.
#[derive(Debug)]
pub(crate) struct ShownKey {
    pub(crate) algorithm: String,
    /// `SHA256:…`
    pub(crate) fingerprint: String,
    /// The line for a `known_hosts` file.
    pub(crate) line: String,
}

impl Connection {
    /// Connects, checks the host key and signs in.
    pub(crate) async fn open(settings: &SftpSettings) -> Result<Self, Failure> {
        let target = Target::of(settings);
        let trust = Trust::of(&settings.host_key)?;
        let key = Key::load(&settings.credentials)?;
        let (mut ssh, end) = handshake(&target, trust, Some(settings.timeouts.keep_alive)).await?;
        let (legacy, limit) = (settings.legacy_algorithms, settings.timeouts.connect);
        let sign_in = authentication::sign_in(&mut ssh, &settings.credentials, key.as_ref(), legacy);
        if let Err(failure) = within(limit, "the login", sign_in).await {
            return Err(refusal(failure, &mut ssh, &end, &settings.credentials.user).await);
        }
        let activity = Arc::new(Activity::new());
        let stream = within(limit, "the start of SFTP", open_subsystem(&ssh, legacy)).await?;
        let config = SftpConfig {
            max_packet_len: MAX_ANSWER,
            // Not used: `wait` measures the time without a byte instead.
            request_timeout_secs: u64::MAX,
            ..SftpConfig::default()
        };
        let session = RawSftpSession::new_with_config(Watched::new(stream, Arc::clone(&activity)), config);
        let (session, extensions, login_folder) = within(limit, "the start of SFTP", start(session)).await?;
        let session = Arc::new(session);
        Ok(Self { ssh, session, extensions, login_folder, activity, end, is_broken: AtomicBool::new(false) })
    }

    /// Whether another transfer can use the connection.
    pub(crate) fn is_usable(&self) -> bool {
        !self.ssh.is_closed() && !self.is_broken.load(Ordering::Relaxed)
    }

    /// Whether the server answers a request within `limit`.
    pub(crate) async fn answers(&self, limit: Duration) -> bool {
        self.is_usable() && matches!(timeout(limit, self.session.realpath(".")).await, Ok(Ok(_)))
    }

    /// Waits for the response to a request. Fails when no byte has been sent or received for `limit`, or when `stop` is
    /// cancelled.
    pub(crate) async fn wait<T>(
        &self,
        stop: &CancellationToken,
        limit: Duration,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Failure::new(Kind::Stopped, "stopped")),
            answer = request => answer.map_err(|error| self.failure(&error)),
            () = self.activity.silence(limit) => {
                self.is_broken.store(true, Ordering::Relaxed);
                let seconds = limit.as_secs();
                Err(Failure::new(Kind::TimedOut, format!("nothing came from the server for {seconds} seconds")))
            }
        }
    }

    /// Converts the error of a request. If the connection has ended, the failure has the reason of that.
    fn failure(&self, error: &SftpError) -> Failure {
        let mut failure = Failure::of_sftp(error);
        if failure.kind == Kind::Disconnected {
            self.is_broken.store(true, Ordering::Relaxed);
            if let Some(end) = self.end.get() {
                failure.detail.clone_from(&end.why);
            }
        }
        failure
    }
}

/// The host key that the server presents. The connection ends without a sign-in.
pub(crate) async fn shown_key(target: &Target<'_>) -> Result<ShownKey, Failure> {
    let kept = Arc::new(OnceLock::<PublicKey>::new());
    let ended = handshake(target, Trust::RecordOnly(Arc::clone(&kept)), None).await;
    match (kept.get(), ended) {
        (Some(key), _) => Ok(ShownKey {
            algorithm: key.algorithm().to_string(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            line: line_for(target.host, target.port, key),
        }),
        (None, Err(failure)) => Err(failure),
        (None, Ok(_)) => Err(Failure::new(Kind::HostKey, "the server presents no host key")),
    }
}

/// Connects to the server and completes the SSH key exchange.
async fn handshake(
    target: &Target<'_>,
    trust: Trust,
    keep_alive: Option<Duration>,
) -> Result<(Session, Arc<OnceLock<SessionEnd>>), Failure> {
    let (known, with_certificates) = trust.known(target.host, target.port);
    let (least, preferred, most) = GROUP_SIZES;
    let config = client::Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-MFTPlus_", env!("CARGO_PKG_VERSION")))),
        window_size: WINDOW,
        preferred: algorithms::preferred(target.legacy_algorithms, &known, with_certificates),
        keepalive_interval: keep_alive,
        gex: GexParams::new(least, preferred, most).unwrap_or_default(),
        ..client::Config::default()
    };
    let stream = transport::dial(target).await?;
    let end = Arc::new(OnceLock::new());
    let verifier = Verifier { host: target.host.to_owned(), port: target.port, trust, end: Arc::clone(&end) };
    let connected = async {
        // The library holds the state of the key exchange in this future, which is large.
        let connected = Box::pin(client::connect_stream(Arc::new(config), stream, verifier)).await;
        connected.map_err(|error| Failure::of_ssh(&error, target.legacy_algorithms))
    };
    let ssh = within(target.timeout, "the SSH handshake", connected).await?;
    Ok((ssh, end))
}

/// Converts a lost connection during the sign-in to a refusal if the server ended it because of too many failures.
/// Otherwise the copy would be retried, and more attempts could lock the user out.
async fn refusal(failure: Failure, ssh: &mut Session, end: &OnceLock<SessionEnd>, user: &str) -> Failure {
    if failure.kind != Kind::Disconnected {
        return failure;
    }
    // The server's reason is known after the session has ended.
    let _ = timeout(GOODBYE, ssh).await;
    match end.get() {
        Some(end) if end.refuses_user => {
            let detail = format!("the server does not let `{user}` sign in: {}", end.why);
            Failure::new(Kind::Authentication, detail)
        }
        _ => failure,
    }
}

/// Opens the channel for SFTP.
async fn open_subsystem(ssh: &Session, legacy: bool) -> Result<russh::ChannelStream<client::Msg>, Failure> {
    let failed = |error: russh::Error| Failure::of_ssh(&SshError::Library(error), legacy);
    let mut channel = ssh.channel_open_session().await.map_err(failed)?;
    channel.request_subsystem(true, "sftp").await.map_err(failed)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok(channel.into_stream()),
            Some(ChannelMsg::Failure | ChannelMsg::Close) => {
                return Err(Failure::new(Kind::Unsupported, "the server has no SFTP for this user"));
            }
            Some(_) => {}
            None => return Err(Failure::new(Kind::Disconnected, "the server closed the connection")),
        }
    }
}

/// Negotiates the SFTP version, and requests the server's limits and the login folder.
async fn start(mut session: RawSftpSession) -> Result<(RawSftpSession, Extensions, String), Failure> {
    let failed = |error: SftpError| Failure::of_sftp(&error);
    let version = session.init().await.map_err(failed)?;
    let mut limits = None;
    if version.extensions.contains_key(LIMITS) {
        let found = Limits::from(session.limits().await.map_err(failed)?);
        session.set_limits(found);
        limits = Some(found);
    }
    let extensions = Extensions::new(version, limits.as_ref());
    let names = session.realpath(".").await.map_err(failed)?;
    let folder = names.files.into_iter().next().map(|file| file.filename);
    let folder = folder.ok_or_else(|| Failure::new(Kind::Other, "the server does not report the login folder"))?;
    Ok((session, extensions, folder))
}

async fn within<T>(limit: Duration, what: &str, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let timed_out = |_| Failure::new(Kind::TimedOut, format!("{what} took more than {} seconds", limit.as_secs()));
    timeout(limit, step).await.map_err(timed_out)?
}
