//! Signing in to a server: with a key file, the keys of ssh-agent, or a password.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interaction};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, load_openssh_certificate};
use secrecy::ExposeSecret;

use crate::config::resolved_endpoint::Credentials;
use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::path_text::text;
use crate::storage::sftp::failure::{Failure, SshError};
use crate::storage::sftp::host_key::Verifier;

/// The maximum number of ssh-agent keys that are tried: servers end the connection after six failures.
const MAX_AGENT_KEYS: usize = 4;

/// The maximum number of rounds of questions (keyboard-interactive) that a server may ask.
const MAX_ROUNDS: usize = 8;

type Session = Handle<Verifier>;
type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// A private key, with the certificate in the same folder if there is one.
pub(crate) struct Key {
    file: PathBuf,
    private: Arc<PrivateKey>,
    certificate: Option<Certificate>,
}

/// The result of one method to sign in.
enum Attempt {
    Accepted,
    /// The method was accepted, and the server requires a further one.
    Continued,
    Refused(String),
}

/// The methods that were tried, for the error message.
#[derive(Default)]
struct Tried {
    /// Why each method failed.
    refusals: Vec<String>,
    /// The methods that the server offered last.
    offered: Vec<&'static str>,
}

impl Key {
    /// Reads the key file of the credentials, and its certificate `FILE-cert.pub` if that exists. `None` if the
    /// credentials have no key file.
    pub(crate) fn load(credentials: &Credentials) -> Result<Option<Self>, Failure> {
        let Some(file) = &credentials.key_file else { return Ok(None) };
        let passphrase = credentials.passphrase.as_ref().map(ExposeSecret::expose_secret);
        let unreadable = |error: russh::keys::Error| {
            let why = match error {
                russh::keys::Error::KeyIsEncrypted => "it is encrypted: set its passphrase".to_owned(),
                russh::keys::Error::IO(error) => error.to_string(),
                _ if passphrase.is_some() => "its passphrase is wrong, or it is not a private key".to_owned(),
                _ => "it is not a private key that this agent knows, or it is encrypted: set its passphrase".to_owned(),
            };
            Failure::new(Kind::Authentication, format!("the key file {} cannot be used: {why}", text(file)))
        };
        let private = Arc::new(russh::keys::load_secret_key(file, passphrase).map_err(unreadable)?);
        Ok(Some(Self { file: file.clone(), private, certificate: certificate_beside(file) }))
    }
}

fn certificate_beside(file: &Path) -> Option<Certificate> {
    let mut name = file.file_name()?.to_owned();
    name.push("-cert.pub");
    let beside = file.with_file_name(name);
    if !beside.exists() {
        return None;
    }
    let loaded = load_openssh_certificate(&beside);
    if let Err(error) = &loaded {
        tracing::warn!(file = text(&beside), %error, "the certificate beside a key file cannot be read");
    }
    loaded.ok()
}

/// Signs in with the methods that the credentials have, in this order: the key file, the keys of ssh-agent, the
/// password. `legacy` allows RSA signatures with SHA-1.
pub(crate) async fn sign_in(
    session: &mut Session,
    credentials: &Credentials,
    key: Option<&Key>,
    legacy: bool,
) -> Result<(), Failure> {
    let mut tried = Tried::default();
    if let Some(key) = key {
        let attempt = with_key(session, &credentials.user, key, legacy, &mut tried).await?;
        if tried.ends_with(attempt) {
            return Ok(());
        }
    }
    if credentials.use_agent {
        let attempt = with_agent(session, &credentials.user, legacy, &mut tried).await?;
        if tried.ends_with(attempt) {
            return Ok(());
        }
    }
    if let Some(password) = &credentials.password {
        let attempt = with_password(session, &credentials.user, password.expose_secret(), &mut tried).await?;
        if tried.ends_with(attempt) {
            return Ok(());
        }
    }
    Err(tried.failure(credentials))
}

impl Tried {
    /// Records the result of an attempt, and returns whether the user is signed in.
    fn ends_with(&mut self, attempt: Attempt) -> bool {
        match attempt {
            Attempt::Accepted => return true,
            Attempt::Continued => {}
            Attempt::Refused(why) => self.refusals.push(why),
        }
        false
    }

    /// Converts the server's answer to an attempt. `what` describes a refusal.
    fn answer(&mut self, session: &Session, result: AuthResult, what: String) -> Result<Attempt, Failure> {
        match result {
            AuthResult::Success => Ok(Attempt::Accepted),
            // The library returns a failure without methods if the connection is lost. A server may also refuse and
            // close the connection.
            AuthResult::Failure { remaining_methods, .. } if remaining_methods.is_empty() && session.is_closed() => {
                Err(disconnected())
            }
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.offered = remaining_methods.iter().map(<&'static str>::from).collect();
                Ok(if partial_success { Attempt::Continued } else { Attempt::Refused(what) })
            }
        }
    }

    fn failure(&self, credentials: &Credentials) -> Failure {
        let mut detail = format!("the server does not let `{}` sign in", credentials.user);
        if self.refusals.is_empty() {
            detail.push_str(": no password and no key is configured that it accepts");
        } else {
            detail.push_str(": ");
            detail.push_str(&self.refusals.join("; "));
        }
        if !self.offered.is_empty() {
            detail.push_str("; it accepts ");
            detail.push_str(&self.offered.join(", "));
        }
        Failure::new(Kind::Authentication, detail)
    }
}

fn disconnected() -> Failure {
    Failure::new(Kind::Disconnected, "the server closed the connection while the agent signed in")
}

async fn with_key(
    session: &mut Session,
    user: &str,
    key: &Key,
    legacy: bool,
    tried: &mut Tried,
) -> Result<Attempt, Failure> {
    let failed = |error: russh::Error| Failure::of_ssh(&SshError::Library(error), legacy);
    if let Some(certificate) = &key.certificate {
        let result = session.authenticate_openssh_cert(user, Arc::clone(&key.private), certificate.clone()).await;
        let what = format!("the certificate beside {} is refused", text(&key.file));
        match tried.answer(session, result.map_err(failed)?, what)? {
            Attempt::Refused(why) => tried.refusals.push(why),
            other => return Ok(other),
        }
    }
    let hash = hash_for(session, &key.private.algorithm(), legacy).await.map_err(failed)?;
    let key_with_hash = PrivateKeyWithHashAlg::new(Arc::clone(&key.private), hash);
    let result = session.authenticate_publickey(user, key_with_hash).await.map_err(failed)?;
    let fingerprint = key.private.public_key().fingerprint(HashAlg::Sha256);
    tried.answer(session, result, format!("the key {fingerprint} of {} is refused", text(&key.file)))
}

/// The hash with which an RSA key signs for this server; `None` means SHA-1, or a key that is not RSA.
async fn hash_for(session: &Session, algorithm: &Algorithm, legacy: bool) -> Result<Option<HashAlg>, russh::Error> {
    if !matches!(algorithm, Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    Ok(match session.best_supported_rsa_hash().await? {
        Some(Some(hash)) => Some(hash),
        // The server supports SHA-1 only, or does not announce what it supports.
        Some(None) | None if legacy => None,
        Some(None) | None => Some(HashAlg::Sha256),
    })
}

async fn with_agent(session: &mut Session, user: &str, legacy: bool, tried: &mut Tried) -> Result<Attempt, Failure> {
    let Some(mut agent) = connect_agent().await else {
        return Ok(Attempt::Refused("no ssh-agent answers at SSH_AUTH_SOCK".to_owned()));
    };
    if let Some(binding) = session.agent_session_binding() {
        // Old versions of ssh-agent do not support this, and it is optional.
        let _ = agent.bind_session(binding, false).await;
    }
    let Ok(identities) = agent.request_identities().await else {
        return Ok(Attempt::Refused("ssh-agent does not list its keys".to_owned()));
    };
    let mut refused = 0;
    for identity in identities.into_iter().take(MAX_AGENT_KEYS) {
        let (algorithm, certificate) = match &identity {
            AgentIdentity::PublicKey { key, .. } => (key.algorithm(), None),
            AgentIdentity::Certificate { certificate, .. } => (certificate.algorithm(), Some(certificate.clone())),
        };
        let hash = hash_for(session, &algorithm, legacy).await;
        let hash = hash.map_err(|error| Failure::of_ssh(&SshError::Library(error), legacy))?;
        let result = if let Some(certificate) = certificate {
            session.authenticate_certificate_with(user, certificate, hash, &mut agent).await
        } else {
            let key = identity.public_key().into_owned();
            session.authenticate_publickey_with(user, key, hash, &mut agent).await
        };
        let result = match result {
            Ok(result) => result,
            Err(_) if session.is_closed() => return Err(disconnected()),
            // If a key cannot sign, the next one is tried.
            Err(_) => continue,
        };
        match tried.answer(session, result, String::new())? {
            Attempt::Refused(_) => refused += 1,
            other => return Ok(other),
        }
    }
    Ok(Attempt::Refused(format!("{refused} of the keys of ssh-agent are refused")))
}

#[cfg(unix)]
async fn connect_agent() -> Option<Agent> {
    AgentClient::connect_env().await.ok().map(AgentClient::dynamic)
}

#[cfg(windows)]
async fn connect_agent() -> Option<Agent> {
    AgentClient::connect_named_pipe(r"\\.\pipe\openssh-ssh-agent").await.ok().map(AgentClient::dynamic)
}

async fn with_password(
    session: &mut Session,
    user: &str,
    password: &str,
    tried: &mut Tried,
) -> Result<Attempt, Failure> {
    let failed = |error: russh::Error| Failure::of_ssh(&SshError::Library(error), true);
    let result = session.authenticate_password(user, password).await.map_err(failed)?;
    let attempt = tried.answer(session, result, "the password is refused".to_owned())?;
    let (password_name, interactive_name): (&str, &str) =
        ((&MethodKind::Password).into(), (&MethodKind::KeyboardInteractive).into());
    // A server that offers `password` has checked this one already, and another attempt would count as another failure.
    let is_judged = tried.offered.contains(&password_name) || !tried.offered.contains(&interactive_name);
    if !matches!(attempt, Attempt::Refused(_)) || is_judged {
        return Ok(attempt);
    }
    let mut interaction =
        session.authenticate_keyboard_interactive_start(user, None::<String>).await.map_err(failed)?;
    for _ in 0..MAX_ROUNDS {
        let prompts = match interaction {
            Interaction::Success => return Ok(Attempt::Accepted),
            Interaction::Failure { remaining_methods, partial_success } => {
                let result = AuthResult::Failure { remaining_methods, partial_success };
                return tried.answer(session, result, "the password is refused (keyboard-interactive)".to_owned());
            }
            Interaction::InfoRequest { prompts, .. } => prompts,
        };
        // A prompt whose answer is displayed asks for something other than the password, such as a code.
        if prompts.iter().any(|prompt| prompt.echo) {
            return Ok(Attempt::Refused("the server asks for more than a password".to_owned()));
        }
        let answers = prompts.iter().map(|_| password.to_owned()).collect();
        interaction = session.authenticate_keyboard_interactive_respond(answers).await.map_err(failed)?;
    }
    Ok(Attempt::Refused("the server keeps asking for the password".to_owned()))
}
