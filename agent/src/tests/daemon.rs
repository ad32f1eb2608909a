//! The daemon: heartbeats, instance ids, and the one daemon of a state folder.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::TestAgent;
use super::server::ServerState;
use crate::agent::{Agent, daemon_lock};
use crate::command::args::RunArgs;
use crate::command::reload::reload;
use crate::command::settings::work_limits;
use crate::config::access::write_private;
use crate::config::live::LiveConfig;
use crate::exit::Exit;
use crate::identity::Registration;
use crate::storage::allowed_roots::AllowedRoots;
use crate::transfer::store::lock;

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

#[tokio::test]
async fn a_changed_configuration_applies_to_a_running_daemon_and_a_wrong_one_does_not() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let (file, settings, args) = (agent.path("agent.toml"), agent.settings(), TestAgent::run_args());
    write_private(&file, "")?;
    let config = LiveConfig::load(Some(file.clone()))?;
    let Some(registration) = Registration::load(&agent.state_dir())? else { anyhow::bail!("not registered") };
    let limits = work_limits(&args, &config.current());
    let (process, _inbox) = Agent::new(&settings, &registration, limits, AllowedRoots::default(), None).await?;
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
