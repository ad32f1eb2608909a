//! What states and kinds are called on the page, and in which tone. Pure.

pub(crate) mod jobs;

use crate::{
    api::{
        agents::{Agent, AgentStatus, Os},
        events::{Event, EventKind, Object},
        transfers::{Direction, Network, Protocol, Transfer, TransferStatus},
        users::Role,
    },
    format,
    ui::Tone,
};

/// A status of a transfer, as it is written in addresses, and as it is called.
pub(crate) const TRANSFER_STATUSES: [(TransferStatus, &str, &str); 5] = [
    (TransferStatus::Queued, "queued", "Queued"),
    (TransferStatus::Running, "running", "Running"),
    (TransferStatus::Completed, "completed", "Completed"),
    (TransferStatus::Failed, "failed", "Failed"),
    (TransferStatus::Cancelled, "cancelled", "Cancelled"),
];

/// The same for protocols.
pub(crate) const PROTOCOLS: [(Protocol, &str, &str); 4] = [
    (Protocol::Sftp, "sftp", "SFTP"),
    (Protocol::Ftp, "ftp", "FTP"),
    (Protocol::Ftps, "ftps", "FTPS"),
    (Protocol::Local, "local", "Local"),
];

/// The same for directions.
pub(crate) const DIRECTIONS: [(Direction, &str, &str); 2] =
    [(Direction::Push, "push", "Push"), (Direction::Pull, "pull", "Pull")];

/// The same for agents.
pub(crate) const AGENT_STATUSES: [(AgentStatus, &str, &str); 4] = [
    (AgentStatus::Online, "online", "Online"),
    (AgentStatus::Busy, "busy", "Busy"),
    (AgentStatus::Error, "error", "Error"),
    (AgentStatus::Offline, "offline", "Offline"),
];

/// What a value is called, by its table.
pub(crate) fn called<T: PartialEq>(table: &[(T, &'static str, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(known, ..)| known == value).map_or("", |(.., label)| label)
}

/// The value of a word in an address, by its table.
pub(crate) fn meant<T: Copy>(table: &[(T, &'static str, &'static str)], word: &str) -> Option<T> {
    table.iter().find(|(_, known, _)| *known == word).map(|(value, ..)| *value)
}

/// The word of a value in an address, by its table.
pub(crate) fn written<T: PartialEq>(table: &[(T, &'static str, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(known, ..)| known == value).map_or("", |(_, word, _)| word)
}

/// What a transfer is doing, more exactly than its status.
pub(crate) fn transfer_state(transfer: &Transfer) -> (&'static str, Tone) {
    match transfer.status {
        TransferStatus::Running if transfer.cancel_requested_at.is_some() => ("Cancelling", Tone::Warn),
        TransferStatus::Running if transfer.stalled => ("Stalled", Tone::Warn),
        TransferStatus::Running => ("Running", Tone::Accent),
        TransferStatus::Completed => ("Completed", Tone::Good),
        TransferStatus::Failed => ("Failed", Tone::Bad),
        TransferStatus::Queued => ("Queued", Tone::Neutral),
        TransferStatus::Cancelled => ("Cancelled", Tone::Neutral),
    }
}

/// How an agent is.
pub(crate) fn agent_state(agent: &Agent) -> (&'static str, Tone) {
    let tone = match agent.status {
        AgentStatus::Online => Tone::Good,
        AgentStatus::Busy => Tone::Accent,
        AgentStatus::Error => Tone::Bad,
        AgentStatus::Offline => Tone::Neutral,
    };
    (called(&AGENT_STATUSES, &agent.status), tone)
}

fn os(os: Os) -> &'static str {
    match os {
        Os::Darwin => "macOS",
        Os::Linux => "Linux",
        Os::Windows => "Windows",
    }
}

/// What an agent runs on, and which version of it runs there.
pub(crate) fn system(agent: &Agent) -> String {
    match &agent.version {
        Some(version) => format!("{}, agent {version}", os(agent.os)),
        None => os(agent.os).to_owned(),
    }
}

/// What a role is called.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "Administrator",
        Role::Customer => "Customer",
    }
}

/// How much of a transfer is done: `1.20 GB of 4.00 GB`.
pub(crate) fn amount(transfer: &Transfer) -> String {
    let done = format::bytes(transfer.bytes_transferred.0);
    if transfer.size_known { format!("{done} of {}", format::bytes(transfer.bytes_total.0)) } else { done }
}

/// How big a transfer is, or how much of it there is so far.
pub(crate) fn size(transfer: &Transfer) -> String {
    let known = if transfer.size_known { transfer.bytes_total.0 } else { transfer.bytes_transferred.0 };
    if known == 0 && !transfer.size_known { "–".to_owned() } else { format::bytes(known) }
}

/// How a transfer travels: `SFTP push`.
pub(crate) fn way(transfer: &Transfer) -> String {
    route(transfer.protocol, transfer.direction)
}

/// A protocol and a direction: `SFTP push`.
pub(crate) fn route(protocol: Protocol, direction: Direction) -> String {
    let (protocol, direction) = (called(&PROTOCOLS, &protocol), called(&DIRECTIONS, &direction));
    format!("{protocol} {}", direction.to_ascii_lowercase())
}

/// What an agent measured of the network, if it did.
pub(crate) fn network(network: &Network) -> Option<String> {
    let parts = [
        network.throughput_mbps.map(|throughput| format!("{} Mbit/s", format::fixed(throughput, 1))),
        network.latency_ms.map(|latency| format!("{} ms latency", format::fixed(latency, 0))),
        network.packet_loss_percent.map(|loss| format!("{}% loss", format::fixed(loss, 1))),
    ];
    let known: Vec<_> = parts.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// The speed of a running transfer.
pub(crate) fn speed(transfer: &Transfer) -> String {
    if transfer.status == TransferStatus::Running { format::rate(transfer.speed) } else { "–".to_owned() }
}

/// The time a running transfer still needs.
pub(crate) fn time_left(transfer: &Transfer) -> String {
    match transfer.eta_seconds {
        Some(seconds) if transfer.status == TransferStatus::Running => format::duration(seconds.into()),
        _ => "–".to_owned(),
    }
}

/// The load average of an agent's last minute.
pub(crate) fn load(agent: &Agent) -> String {
    agent.load.map_or_else(|| "–".to_owned(), |load| format::fixed(load, 2))
}

/// The memory in use where an agent runs.
pub(crate) fn memory(agent: &Agent) -> String {
    agent.memory.map_or_else(|| "–".to_owned(), format::memory)
}

/// What happened, before the name of what it happened to.
pub(crate) fn event(event: &Event) -> (&'static str, Tone) {
    match event.kind {
        EventKind::AgentRegistered => ("Agent registered", Tone::Good),
        EventKind::AgentStatusChanged => match &event.object {
            Object::Agent(agent) => agent_became(agent.status),
            _ => ("Agent changed status", Tone::Neutral),
        },
        EventKind::AgentKeyRotated => ("Agent key rotated", Tone::Warn),
        EventKind::AgentRevoked => ("Agent revoked", Tone::Bad),
        EventKind::TransferCreated => ("Transfer created", Tone::Neutral),
        EventKind::TransferStatusChanged => match &event.object {
            Object::Transfer(transfer) => transfer_became(transfer.status),
            _ => ("Transfer changed status", Tone::Accent),
        },
        EventKind::TransferStalled => ("Transfer stalled", Tone::Warn),
        EventKind::TransferResumed => ("Transfer moves again", Tone::Accent),
        EventKind::TransferCancelRequested => ("Cancel requested", Tone::Warn),
        EventKind::JobCreated => ("Job created", Tone::Neutral),
        EventKind::JobUpdated => ("Job changed", Tone::Neutral),
        EventKind::JobDeleted => ("Job deleted", Tone::Warn),
        EventKind::JobRunRequested => ("Job run asked for", Tone::Neutral),
        EventKind::JobRunStarted => ("Job run started", Tone::Accent),
        EventKind::JobRunStatusChanged => match &event.object {
            Object::JobRun(run) => jobs::run_became(run.run_status),
            _ => ("Job run changed status", Tone::Neutral),
        },
        EventKind::JobRunCancelRequested => ("Cancel of a job run requested", Tone::Warn),
        EventKind::JobRunReportedLate => ("Job run reported too late", Tone::Warn),
        EventKind::JobSlotDecided => match &event.object {
            Object::JobSlot(slot) => jobs::slot_became(slot.outcome),
            _ => ("Slot of a job decided", Tone::Neutral),
        },
        EventKind::CustomerCreated => ("Customer created", Tone::Neutral),
        EventKind::CustomerUpdated => ("Customer changed", Tone::Neutral),
        EventKind::UserCreated => ("User created", Tone::Neutral),
        EventKind::UserUpdated => ("User changed", Tone::Neutral),
        EventKind::EnrolmentCodeCreated => ("Enrolment code created", Tone::Neutral),
        EventKind::EnrolmentCodeDeleted => ("Enrolment code withdrawn", Tone::Neutral),
        EventKind::SignedIn => ("Signed in", Tone::Neutral),
        EventKind::SignedOut => ("Signed out", Tone::Neutral),
        EventKind::SessionEndedForReuse => ("Session ended: its token was used twice", Tone::Bad),
        EventKind::PipelineCreated => ("Pipeline created", Tone::Neutral),
        EventKind::PipelineUpdated => ("Pipeline changed", Tone::Neutral),
        EventKind::PipelineDeleted => ("Pipeline deleted", Tone::Warn),
        EventKind::PipelineRunCreated => ("Pipeline run created", Tone::Neutral),
        EventKind::PipelineRunStatusChanged => ("Pipeline run went on", Tone::Accent),
        EventKind::PipelineRunCancelRequested => ("Cancel of a pipeline run requested", Tone::Warn),
        EventKind::PipelineStepReportedLate => ("Pipeline step reported too late", Tone::Warn),
        EventKind::PipelineSlotDecided => ("Pipeline slot decided", Tone::Neutral),
        EventKind::WebhookSecretRotated => ("Webhook secret rotated", Tone::Warn),
        EventKind::Other => ("Something happened", Tone::Neutral),
    }
}

fn agent_became(status: AgentStatus) -> (&'static str, Tone) {
    match status {
        AgentStatus::Online => ("Agent online", Tone::Good),
        AgentStatus::Busy => ("Agent busy", Tone::Accent),
        AgentStatus::Error => ("Agent in error", Tone::Bad),
        AgentStatus::Offline => ("Agent offline", Tone::Warn),
    }
}

fn transfer_became(status: TransferStatus) -> (&'static str, Tone) {
    match status {
        TransferStatus::Queued => ("Transfer queued again", Tone::Neutral),
        TransferStatus::Running => ("Transfer started", Tone::Accent),
        TransferStatus::Completed => ("Transfer completed", Tone::Good),
        TransferStatus::Failed => ("Transfer failed", Tone::Bad),
        TransferStatus::Cancelled => ("Transfer cancelled", Tone::Neutral),
    }
}

/// Who did something, by the kind and the end of the id that the log has (ids made at about the same time begin alike),
/// and the page of an agent.
pub(crate) fn actor(logged: &str) -> (String, Option<String>) {
    let Some((kind, id)) = logged.split_once(':') else { return (format::capitalized(logged), None) };
    let end = id.get(id.len().saturating_sub(6)..).unwrap_or(id);
    (format!("{}\u{a0}…{end}", format::capitalized(kind)), (kind == "agent").then(|| format!("/agents/{id}")))
}

/// What has no name, by the end of its id.
fn short(noun: &str, id: &str) -> String {
    format!("{noun} …{}", id.get(id.len().saturating_sub(8)..).unwrap_or(id))
}

/// What an event is about: its name, and its page if it has one.
pub(crate) fn subject(event: &Event) -> (String, Option<String>) {
    let id = event.object_id.inner();
    match &event.object {
        Object::Agent(agent) => {
            (agent.name.clone().unwrap_or_else(|| agent.hostname.clone()), Some(format!("/agents/{id}")))
        }
        Object::Transfer(transfer) => {
            (format::file_name(&transfer.source).to_owned(), Some(format!("/transfers/{id}")))
        }
        Object::Job(job) => (job.name.clone(), Some(format!("/jobs/{id}"))),
        Object::JobRun(run) => (short("Run", id), Some(format!("/jobs/{}/runs/{id}", run.job_id.inner()))),
        Object::JobSlot(slot) => (short("Slot", id), Some(format!("/jobs/{}", slot.job_id.inner()))),
        Object::Customer(customer) => (customer.name.clone(), Some(format!("/customers/{id}"))),
        Object::User(user) => (user.email.clone(), None),
        Object::Other => (format!("{}…", id.get(..8).unwrap_or(id)), None),
    }
}

#[cfg(test)]
mod tests {
    use super::actor;

    #[test]
    fn actors_are_told_apart_by_the_end_of_their_ids() {
        assert_eq!(actor("system"), ("System".to_owned(), None));
        let agent = actor("agent:01a2109b-0de4-7000-802b-bac894316e0a");
        let page = "/agents/01a2109b-0de4-7000-802b-bac894316e0a".to_owned();
        assert_eq!(agent, ("Agent\u{a0}…316e0a".to_owned(), Some(page)));
        assert_eq!(actor("user:x"), ("User\u{a0}…x".to_owned(), None));
    }
}
