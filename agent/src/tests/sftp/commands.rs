//! The commands `trust`, `ls` and `check` against OpenSSH.

use std::fs;
use std::sync::Arc;

use super::server_process::SshServer;
use crate::command::args::{LsArgs, TrustArgs};
use crate::command::{check, ls, trust};
use crate::config::file_permissions::write_private;
use crate::config::reloadable_config::LiveConfig;
use crate::exit::Exit;
use crate::tests::TestAgent;
use crate::work::agent::Settings;

/// Settings with the server as the endpoint `partner`, whose known keys are in the file `known_hosts` of the agent's folder.
fn settings(agent: &TestAgent, server: &SshServer) -> anyhow::Result<Settings> {
    let (file, known, key) = (agent.path("mftplus-agent.toml"), agent.path("known_hosts"), server.path("user_key"));
    let config = format!(
        "[credentials.partner]\nuser = '{}'\nkey-file = '{}'\n\n[endpoints.partner]\nprotocol = 'sftp'\nhost = '127.0.0.1'\nport = {}\ncredentials = 'partner'\nknown-hosts = '{}'\n",
        server.user(),
        key.display(),
        server.port,
        known.display()
    );
    write_private(&file, config)?;
    let mut settings = agent.settings();
    settings.config = Arc::new(LiveConfig::load(Some(file))?);
    Ok(settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH"]
async fn a_server_is_used_once_its_key_is_trusted() -> anyhow::Result<()> {
    let (agent, server) = (TestAgent::start().await?, SshServer::start()?);
    let (settings, known) = (settings(&agent, &server)?, agent.path("known_hosts"));
    let listing = LsArgs { location: format!("partner:{}", server.data("").display()), credentials: None };
    let refused = ls::ls(&settings, &listing).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("run `mftplus-agent trust 127.0.0.1:"), "{refused}");
    assert_eq!(check::check(&settings).await?, Exit::Failed);

    let args = |fingerprint: &str| TrustArgs { host: "partner".to_owned(), fingerprint: Some(fingerprint.to_owned()) };
    assert!(trust::trust(&settings, &args("SHA256:other")).await.is_err());
    assert!(!known.exists(), "a key with another fingerprint is added");
    assert_eq!(trust::trust(&settings, &args(&server.fingerprint)).await?, Exit::Done);
    let lines = fs::read_to_string(&known)?;
    assert!(lines.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", server.port)), "{lines}");

    assert_eq!(ls::ls(&settings, &listing).await?, Exit::Done);
    assert_eq!(check::check(&settings).await?, Exit::Done);
    Ok(())
}
