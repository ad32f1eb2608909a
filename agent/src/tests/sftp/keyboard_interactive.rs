//! Signing in by keyboard-interactive. OpenSSH asks its questions with PAM only, which needs root and an account, so the
//! server is one of russh: the same protocol, over a socket.

use std::borrow::Cow;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{HashAlg, load_secret_key};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, run_stream};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use russh_sftp::protocol::{File, Name, StatusCode};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::server_process::make_key;
use super::{kind_of, path};
use crate::config::resolved_endpoint::{Credentials, HostKeyRule, SftpSettings, Timeouts};
use crate::storage::error::{StorageError, StorageErrorKind as Kind};
use crate::storage::sftp;
use crate::storage::sftp::pool::ConnectionPool;
use crate::storage::sftp::sftp_storage::SftpStorage;
use crate::storage::transfer_storage::TransferStorage as _;

const PASSWORD: &str = "correct horse";

/// What the server asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Questions {
    Password,
    /// Then a round without a question, as PAM has one for its messages.
    PasswordAndMessage,
    /// A code, which may be seen while it is typed.
    Code,
}

/// One connection of the server.
struct Login {
    questions: Questions,
    knows_password: bool,
    channel: Option<Channel<Msg>>,
}

impl Login {
    fn answer(&mut self, response: Option<Response<'_>>) -> Auth {
        let Some(mut answers) = response else {
            let prompts = vec![(Cow::Borrowed("Password: "), self.questions == Questions::Code)];
            return Auth::Partial { name: "".into(), instructions: "".into(), prompts: Cow::Owned(prompts) };
        };
        if self.knows_password {
            return Auth::Accept;
        }
        self.knows_password = answers.next().is_some_and(|answer| &answer[..] == PASSWORD.as_bytes());
        match (self.knows_password, self.questions) {
            (false, _) => Auth::reject(),
            (true, Questions::PasswordAndMessage) => Auth::Partial {
                name: "".into(),
                instructions: "your password expires soon".into(),
                prompts: Cow::Borrowed(&[]),
            },
            (true, _) => Auth::Accept,
        }
    }
}

impl Handler for Login {
    type Error = anyhow::Error;

    fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> impl Future<Output = anyhow::Result<Auth>> + Send {
        ready(Ok(self.answer(response)))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> anyhow::Result<()> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, _name: &str, session: &mut Session) -> anyhow::Result<()> {
        session.channel_success(id)?;
        if let Some(channel) = self.channel.take() {
            russh_sftp::server::run(channel.into_stream(), NoFiles).await;
        }
        Ok(())
    }
}

/// SFTP without files.
struct NoFiles;

impl russh_sftp::server::Handler for NoFiles {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    fn realpath(&mut self, id: u32, _path: String) -> impl Future<Output = Result<Name, StatusCode>> + Send {
        ready(Ok(Name { id, files: vec![File::dummy("/")] }))
    }
}

/// The server, and what a transfer needs to reach it.
struct Fixture {
    // Dropped first, with the connections that run on it.
    pool: ConnectionPool,
    runtime: Runtime,
    settings: SftpSettings,
}

impl Fixture {
    fn start(questions: Questions) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        make_key(&folder.path().join("host_key"), "")?;
        let key = load_secret_key(folder.path().join("host_key"), None)?;
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let config = Arc::new(Config {
            keys: vec![key],
            methods: MethodSet::from(&[MethodKind::KeyboardInteractive][..]),
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        });
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let login = Login { questions, knows_password: false, channel: None };
                let session = Box::pin(run_stream(Arc::clone(&config), stream, login));
                tokio::spawn(async move {
                    if let Ok(running) = session.await {
                        // How it ends is the client's affair.
                        let _ = running.await;
                    }
                });
            }
        });
        let settings = SftpSettings {
            host: "127.0.0.1".to_owned(),
            port,
            credentials: Credentials {
                user: "orders".to_owned(),
                password: None,
                key_file: None,
                passphrase: None,
                use_agent: false,
            },
            host_key: HostKeyRule::Fingerprint(fingerprint),
            legacy_algorithms: false,
            timeouts: Timeouts::default(),
            proxy: None,
            root: "/".to_owned(),
        };
        Ok(Self { pool: ConnectionPool::default(), runtime, settings })
    }

    fn open(&self, password: &str) -> Result<SftpStorage, StorageError> {
        let mut settings = self.settings.clone();
        settings.credentials.password = Some(SecretString::from(password.to_owned()));
        sftp::open(&settings, &self.pool, self.runtime.handle().clone(), CancellationToken::new())
    }
}

#[test]
#[ignore = "needs OpenSSH"]
fn the_password_answers_the_question_of_the_server() -> anyhow::Result<()> {
    for questions in [Questions::Password, Questions::PasswordAndMessage] {
        let fixture = Fixture::start(questions)?;
        let storage = fixture.open(PASSWORD)?;
        // Only who has signed in learns what the server cannot do.
        assert_eq!(kind_of(storage.metadata(&path("a")?)), Some(Kind::Unsupported), "{questions:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_wrong_password_or_a_question_for_something_else_fails_at_once() -> anyhow::Result<()> {
    for (questions, password, part) in [
        (Questions::Password, "never-shown", "the password is refused (keyboard-interactive)"),
        (Questions::Code, PASSWORD, "the server asks for more than a password"),
    ] {
        let fixture = Fixture::start(questions)?;
        let error = fixture.open(password).err();
        assert_eq!(error.as_ref().map(StorageError::kind), Some(Kind::Authentication), "{questions:?}");
        let sentence = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(sentence.contains(part) && !sentence.contains(password), "{sentence}");
    }
    Ok(())
}
