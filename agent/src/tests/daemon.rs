//! The daemon: heartbeats, instance ids, and the one daemon of a state folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::TestAgent;
use super::fake_server::ServerState;
use crate::command::args::RunArgs;
use crate::command::reload_on_sighup::{reload, reload_and_log};
use crate::command::settings::work_limits;
use crate::config::file_permissions::write_private;
use crate::config::reloadable_config::LiveConfig;
use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::context::DirectiveBatch;
use crate::server::heartbeat::Condition;
use crate::server::wire::AgentStatus;
use crate::storage::allowed_roots::AllowedRoots;
use crate::transfer::claimed_state_files::lock;
use crate::work::agent::{Agent, Role, daemon_lock};

#[tokio::test]
async fn the_daemon_sends_heartbeats_with_metrics_and_reports_itself_offline() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent
        .with_daemon(async || agent.server.wait_until("a heartbeat", |state| !state.heartbeats.is_empty()).await)
        .await?;
    let heartbeats = agent.server.change(|state| state.heartbeats.clone());
    let statuses: Vec<&Value> = heartbeats.iter().map(|heartbeat| &heartbeat["status"]).collect();
    assert_eq!((statuses.first(), statuses.last()), (Some(&&json!("online")), Some(&&json!("offline"))));
    assert!(heartbeats[0]["memory"].as_u64() > Some(0));
    Ok(())
}

#[tokio::test]
async fn a_duplicate_process_stops_with_its_own_exit_code_and_reports_no_offline_status() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.server.change(|state| state.has_duplicate_instance = true);
    let exit = crate::command::run::run(&agent.settings(), &TestAgent::run_args()).await?;
    assert_eq!(exit, Exit::Duplicate);
    let heartbeats = agent.server.change(|state| state.heartbeats.clone());
    assert!(heartbeats.iter().all(|heartbeat| heartbeat["instanceId"].is_string() && heartbeat["status"] != "offline"));
    Ok(())
}

#[tokio::test]
async fn a_401_that_is_not_of_the_api_does_not_end_the_daemon() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let interrupted = async || {
        agent.server.wait_until("a heartbeat", |state| !state.heartbeats.is_empty()).await?;
        agent.server.change(|state| state.is_behind_sign_in_page = true);
        agent.server.wait_until("answers of the network", |state| state.sign_in_pages > 2).await?;
        let before = agent.server.change(|state| {
            state.is_behind_sign_in_page = false;
            state.heartbeats.len()
        });
        agent.server.wait_until("further heartbeats", |state| state.heartbeats.len() > before + 1).await
    };
    agent.with_daemon(interrupted).await
}

#[tokio::test]
async fn each_start_of_the_daemon_has_a_new_instance_id_and_a_copy_has_none() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for count in 1..=2 {
        agent
            .with_daemon(async || {
                agent.server.wait_until("a heartbeat", |state| state.heartbeats.len() >= count * 2 - 1).await
            })
            .await?;
    }
    let names = |state: &mut ServerState| -> BTreeSet<String> {
        state.heartbeats.iter().map(|heartbeat| heartbeat["instanceId"].to_string()).collect()
    };
    assert_eq!(agent.server.change(names).len(), 2);
    agent.server.change(|state| state.heartbeats.clear());
    fs::write(agent.path("a"), "text")?;
    agent.copy("a", "b").await?;
    assert_eq!(agent.server.change(names), BTreeSet::from(["null".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn two_daemons_do_not_share_a_state_folder() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let _held = lock(&daemon_lock(&agent.state_dir()))?;
    let refused = agent.with_daemon(async || Ok(())).await.map_err(|error| error.to_string());
    assert!(refused.is_err_and(|error| error.contains("another daemon")));
    Ok(())
}

/// A process of the agent without tasks, with an empty configuration in `file`.
async fn process(
    agent: &TestAgent,
    file: &Path,
) -> anyhow::Result<(Arc<Agent>, Arc<LiveConfig>, mpsc::Receiver<DirectiveBatch>)> {
    write_private(file, "")?;
    let config = LiveConfig::load(Some(file.to_owned()))?;
    let Some(registration) = Registration::load(&agent.state_dir())? else { anyhow::bail!("not registered") };
    let limits = work_limits(&TestAgent::run_args(), &config.current());
    let (process, inbox) = Agent::new(&agent.settings(), &registration, limits, AllowedRoots::default(), None).await?;
    Ok((process, Arc::new(config), inbox))
}

#[tokio::test]
async fn a_changed_configuration_applies_to_a_running_daemon_and_a_wrong_one_does_not() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let (file, args) = (agent.path("agent.toml"), TestAgent::run_args());
    let (process, config, _inbox) = process(&agent, &file).await?;
    let transfers = &process.transfers;
    let applied = || (transfers.allowed_roots().is_configured(), transfers.bandwidth.per_copy());
    assert_eq!(applied(), (false, None));

    let new = format!("allowed-dirs = [{:?}]\nmax-rate = '1MB/s'\nserver = 'http://other'", agent.root);
    write_private(&file, &new)?;
    assert_eq!(reload(&process, &config, &args)?, ["server"]);
    assert_eq!(applied(), (true, Some(1_000_000)));

    for wrong in ["max-rate = '2MB/s'\nmax-job = 1", "max-rate = '2MB/s'\nallowed-dirs = ['/no/such/folder']"] {
        write_private(&file, wrong)?;
        assert!(reload(&process, &config, &args).is_err(), "{wrong}");
        assert_eq!(applied(), (true, Some(1_000_000)), "{wrong}");
    }
    write_private(&file, "max-rate = '2MB/s'")?;
    let flags = RunArgs { max_rate: Some(7), ..args };
    assert_eq!(reload(&process, &config, &flags)?, ["server"]);
    assert_eq!(applied(), (false, Some(7)), "a flag comes before the file");
    Ok(())
}

#[tokio::test]
async fn a_refused_configuration_is_the_reason_of_an_error_until_it_is_right() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let (file, args) = (agent.path("agent.toml"), TestAgent::run_args());
    let (process, config, _inbox) = process(&agent, &file).await?;
    let online = Some(Condition { status: AgentStatus::Online, reason: None });
    assert_eq!(process.condition(Role::Daemon), online);

    write_private(&file, "[credentials.a]\nuser = 'u'\npasword = 'hidden'")?;
    reload_and_log(&process, &config, &args).await;
    let Some(Condition { status, reason }) = process.condition(Role::Daemon) else { anyhow::bail!("no heartbeat") };
    let reason = reason.unwrap_or_default();
    assert_eq!(status, AgentStatus::Error);
    assert!(reason.contains("agent.toml: line 3, column 1: there is no key `pasword`"), "{reason}");
    assert!(!reason.contains("hidden"), "{reason}");

    write_private(&file, "")?;
    reload_and_log(&process, &config, &args).await;
    assert_eq!(process.condition(Role::Daemon), online);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_reached_is_reported_with_its_path_until_it_is_back() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let folder = agent.path("data");
    fs::create_dir(&folder)?;
    let args = RunArgs { allowed_dirs: vec![folder.clone()], ..TestAgent::run_args() };
    let is_online = |state: &ServerState| {
        state.heartbeats.last().is_some_and(|last| last["status"] == "online" && last["statusReason"].is_null())
    };
    let reason = format!("the allowed folder {} cannot be reached: ", folder.display());
    let is_in_error = |state: &ServerState| {
        let has_reason = |last: &Value| last["statusReason"].as_str().is_some_and(|text| text.starts_with(&reason));
        state.heartbeats.last().is_some_and(|last| last["status"] == "error" && has_reason(last))
    };
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("a heartbeat without a reason", is_online).await?;
            fs::rename(&folder, agent.path("away"))?;
            agent.server.wait_until("an error with its reason", is_in_error).await?;
            fs::rename(agent.path("away"), &folder)?;
            agent.server.wait_until("the end of the error", is_online).await
        })
        .await
}
