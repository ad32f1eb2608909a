//! `status`: prints the registration, unfinished work and unsent reports. It reads the state folder only and sends no
//! request.

use std::path::Path;

use chrono::Utc;
use serde_json::{Value, json};

use crate::command::args::StatusArgs;
use crate::exit::Exit;
use crate::identity::Registration;
use crate::identity::certificate::ClientCertificate;
use crate::transfer::claimed_state_files::{TransferStore, lock};
use crate::transfer::state::TransferState;
use crate::work::agent::{Settings, daemon_lock};
use crate::work::journal::Journal;
use crate::work::work_item::{Task, WorkItem};

/// Runs the subcommand `status`: prints the state of the agent as text or JSON.
pub(crate) fn status(settings: &Settings, args: StatusArgs) -> anyhow::Result<Exit> {
    let registration = Registration::load(&settings.state_dir)?;
    let certificate = registration.as_ref().and_then(|own| ClientCertificate::load(&settings.state_dir, own.agent_id));
    let is_used = settings.state_dir.join("transfers").is_dir();
    let states = if is_used { TransferStore::open(&settings.state_dir)?.list()? } else { Vec::new() };
    let items = Journal::read_open(&settings.state_dir)?;
    let lock_path = daemon_lock(&settings.state_dir);
    let daemon_runs = lock_path.exists() && lock(&lock_path)?.is_none();
    if args.json {
        println!("{:#}", as_json(settings, registration.as_ref(), certificate.as_ref(), daemon_runs, &states, &items));
        return Ok(Exit::Done);
    }
    match &registration {
        Some(registration) => println!("agent    {}\nserver   {}", registration.agent_id, registration.shown_server()),
        None => println!("agent    not registered; run `register --code CODE`"),
    }
    if let Some(certificate) = &certificate {
        println!("mtls     client certificate {}", certificate.validity(Utc::now()));
    }
    println!(
        "state    {}\nconfig   {}\ndaemon   {}",
        settings.state_dir.display(),
        settings.config.path().map_or("none".into(), Path::to_string_lossy),
        if daemon_runs { "runs" } else { "does not run" }
    );
    println!("unfinished jobs and steps: {}", items.len());
    for item in &items {
        println!("  {}", describe(item));
    }
    let (unfinished, unsent) = split(&states);
    println!("unfinished transfers: {}", unfinished.len());
    for state in unfinished {
        println!(
            "  {}  {} -> {}  {} of {} bytes",
            state.name(),
            state.source,
            state.destination,
            part_length(state),
            state.size
        );
    }
    println!("unsent reports: {}", unsent.len());
    for state in unsent {
        println!("  {}  {} -> {}", state.name(), state.source, state.destination);
    }
    Ok(Exit::Done)
}

fn as_json(
    settings: &Settings,
    registration: Option<&Registration>,
    certificate: Option<&ClientCertificate>,
    daemon_runs: bool,
    states: &[TransferState],
    items: &[WorkItem],
) -> Value {
    let (unfinished, unsent) = split(states);
    let transfer = |state: &&TransferState| {
        json!({
            "id": state.id,
            "source": state.source,
            "destination": state.destination,
            "attempt": state.attempt,
            "phase": state.phase,
            "size": state.size,
            "bytesTransferred": part_length(state),
            "report": state.report,
        })
    };
    json!({
        "registered": registration.is_some(),
        "agentId": registration.map(|registration| registration.agent_id),
        "server": registration.map(Registration::shown_server),
        "certificateExpiresAt": certificate.map(ClientCertificate::expires_at),
        "stateDir": settings.state_dir,
        "configFile": settings.config.path(),
        "daemonRuns": daemon_runs,
        "unfinishedErrands": items.iter().map(item_as_json).collect::<Vec<_>>(),
        "unfinishedTransfers": unfinished.iter().map(transfer).collect::<Vec<_>>(),
        "unsentReports": unsent.iter().map(transfer).collect::<Vec<_>>(),
    })
}

fn item_as_json(item: &WorkItem) -> Value {
    let is_ended = item.end.is_some();
    match &item.task {
        Task::Job { job, run } => json!({"kind": "job", "jobId": job.id, "runId": run, "isEnded": is_ended}),
        Task::Step(step) => {
            let (run, name, attempt) = (step.run, &step.name, step.attempt);
            json!({"kind": "step", "runId": run, "stepId": name, "attempt": attempt, "isEnded": is_ended})
        }
    }
}

fn describe(item: &WorkItem) -> String {
    match &item.task {
        Task::Job { job, run: Some(run) } => format!("job {}, run {run}", job.name),
        Task::Job { job, run: None } => format!("job {}, not started yet", job.name),
        Task::Step(step) => format!("step {} of run {}, attempt {}", step.name, step.run, step.attempt),
    }
}

fn split(states: &[TransferState]) -> (Vec<&TransferState>, Vec<&TransferState>) {
    let unfinished = states.iter().filter(|state| state.is_unfinished()).collect();
    (unfinished, states.iter().filter(|state| state.report.is_some()).collect())
}

/// The number of bytes in the transfer's part file or part folder.
fn part_length(state: &TransferState) -> u64 {
    let files = walkdir::WalkDir::new(state.part()).into_iter().flatten();
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use serde_json::json;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    use super::as_json;
    use crate::identity::certificate::CertificateRequest;
    use crate::identity::{ApiKey, Registration};
    use crate::server::connection_settings::ConnectionSettings;
    use crate::server::context::Timing;
    use crate::work::agent::Settings;

    #[test]
    fn the_status_shows_neither_the_api_key_nor_the_private_key() -> anyhow::Result<()> {
        let registration = Registration {
            server: "http://127.0.0.1:8080".into(),
            agent_id: Uuid::new_v4(),
            api_key: ApiKey::from("mft_ak_secret".to_owned()),
            heartbeat_seconds: Some(30),
        };
        let settings = Settings {
            server: None,
            state_dir: "state".into(),
            connection: ConnectionSettings::default(),
            config: Arc::default(),
            timing: Timing::default(),
            stop: CancellationToken::new(),
        };
        let request = CertificateRequest::generate(registration.agent_id)?;
        let certificate = request.complete("certificate".into(), DateTime::UNIX_EPOCH);
        let status = as_json(&settings, Some(&registration), Some(&certificate), false, &[], &[]);
        let text = status.to_string();
        assert!(!text.contains("secret") && !text.contains("PRIVATE KEY"), "{text}");
        assert_eq!(status["registered"], true);
        assert_eq!(status["certificateExpiresAt"], json!("1970-01-01T00:00:00Z"));
        Ok(())
    }
}
