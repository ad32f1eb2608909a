//! Labels and tones of statuses and kinds. Pure.

pub(crate) mod attention;
pub(crate) mod events;
pub(crate) mod file_copy_rules;
pub(crate) mod jobs;
pub(crate) mod pipelines;
pub(crate) mod run_log;
pub(crate) mod slots;

use mftplus_protocol::{
    failure_code::FailureCode,
    wire::{self, DirectiveKind},
};

use crate::{
    api::{
        agents::{Agent, AgentStatus, Os},
        transfers::{Direction, Network, Protocol, Transfer, TransferStatus},
        users::Role,
    },
    format,
    ui::Tone,
};

/// The statuses of transfers: value, name in URLs, label.
pub(crate) const TRANSFER_STATUSES: [(TransferStatus, &str, &str); 5] = [
    (TransferStatus::Queued, wire::TransferStatus::Queued.as_str(), "Queued"),
    (TransferStatus::Running, wire::TransferStatus::Running.as_str(), "Running"),
    (TransferStatus::Completed, wire::TransferStatus::Completed.as_str(), "Completed"),
    (TransferStatus::Failed, wire::TransferStatus::Failed.as_str(), "Failed"),
    (TransferStatus::Cancelled, wire::TransferStatus::Cancelled.as_str(), "Cancelled"),
];

/// The protocols: value, name in URLs, label.
pub(crate) const PROTOCOLS: [(Protocol, &str, &str); 4] = [
    (Protocol::Sftp, wire::Protocol::Sftp.as_str(), "SFTP"),
    (Protocol::Ftp, wire::Protocol::Ftp.as_str(), "FTP"),
    (Protocol::Ftps, wire::Protocol::Ftps.as_str(), "FTPS"),
    (Protocol::Local, wire::Protocol::Local.as_str(), "Local"),
];

/// The directions: value, name in URLs, label.
pub(crate) const DIRECTIONS: [(Direction, &str, &str); 2] = [
    (Direction::Push, wire::Direction::Push.as_str(), "Push"),
    (Direction::Pull, wire::Direction::Pull.as_str(), "Pull"),
];

/// The statuses of agents: value, name in URLs, label.
pub(crate) const AGENT_STATUSES: [(AgentStatus, &str, &str); 4] = [
    (AgentStatus::Online, wire::AgentStatus::Online.as_str(), "Online"),
    (AgentStatus::Busy, wire::AgentStatus::Busy.as_str(), "Busy"),
    (AgentStatus::Error, wire::AgentStatus::Error.as_str(), "Error"),
    (AgentStatus::Offline, wire::AgentStatus::Offline.as_str(), "Offline"),
];

/// The roles of users: value, name in forms, label.
pub(crate) const ROLES: [(Role, &str, &str); 2] =
    [(Role::Admin, "admin", "Administrator"), (Role::Customer, "customer", "Customer")];

/// The label of a value in a table of value, name and label.
pub(crate) fn label_of<T: PartialEq>(table: &[(T, &'static str, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(known, ..)| known == value).map_or("", |(.., label)| label)
}

/// The value of a name in a table of value, name and label.
pub(crate) fn value_of<T: Copy>(table: &[(T, &'static str, &'static str)], name: &str) -> Option<T> {
    table.iter().find(|(_, known, _)| *known == name).map(|(value, ..)| *value)
}

/// The name of a value in a table of value, name and label.
pub(crate) fn name_of<T: PartialEq>(table: &[(T, &'static str, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(known, ..)| known == value).map_or("", |(_, name, _)| name)
}

/// The label and tone of a transfer's state: its status, or a more precise state.
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

/// The label and tone of an agent's state.
pub(crate) fn agent_state(agent: &Agent) -> (&'static str, Tone) {
    let tone = match agent.status {
        AgentStatus::Online => Tone::Good,
        AgentStatus::Busy => Tone::Accent,
        AgentStatus::Error => Tone::Bad,
        AgentStatus::Offline => Tone::Neutral,
    };
    (label_of(&AGENT_STATUSES, &agent.status), tone)
}

fn os(os: Os) -> &'static str {
    match os {
        Os::Darwin => "macOS",
        Os::Linux => "Linux",
        Os::Windows => "Windows",
    }
}

/// The operating system and the version of an agent.
pub(crate) fn system(agent: &Agent) -> String {
    match &agent.version {
        Some(version) => format!("{}, agent {version}", os(agent.os)),
        None => os(agent.os).to_owned(),
    }
}

/// The label of a role.
pub(crate) fn role(role: Role) -> &'static str {
    label_of(&ROLES, &role)
}

/// The transferred part of a transfer: `1.20 GB of 4.00 GB`.
pub(crate) fn amount(transfer: &Transfer) -> String {
    let done = format::bytes(transfer.bytes_transferred.0);
    if transfer.size_known { format!("{done} of {}", format::bytes(transfer.bytes_total.0)) } else { done }
}

/// The size of a transfer, or the bytes transferred so far while its size is unknown.
pub(crate) fn size(transfer: &Transfer) -> String {
    let known = if transfer.size_known { transfer.bytes_total.0 } else { transfer.bytes_transferred.0 };
    if known == 0 && !transfer.size_known { "–".to_owned() } else { format::bytes(known) }
}

/// The protocol and direction of a transfer: `SFTP push`.
pub(crate) fn transfer_protocol(transfer: &Transfer) -> String {
    protocol_with_direction(transfer.protocol, transfer.direction)
}

/// A protocol and a direction: `SFTP push`.
pub(crate) fn protocol_with_direction(protocol: Protocol, direction: Direction) -> String {
    let (protocol, direction) = (label_of(&PROTOCOLS, &protocol), label_of(&DIRECTIONS, &direction));
    format!("{protocol} {}", direction.to_ascii_lowercase())
}

/// The network measurements of an agent, if there are any.
pub(crate) fn network(network: &Network) -> Option<String> {
    let parts = [
        network.throughput_mbps.map(|throughput| format!("{} Mbit/s", format::fixed(throughput, 1))),
        network.latency_ms.map(|latency| format!("{} ms latency", format::fixed(latency, 0))),
        network.packet_loss_percent.map(|loss| format!("{}% loss", format::fixed(loss, 1))),
    ];
    let known: Vec<_> = parts.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// The progress of a transfer in percent; `None` if the size is unknown and the agent reports no progress.
pub(crate) fn progress(transfer: &Transfer) -> Option<f64> {
    known_progress(transfer.status, transfer.size_known, transfer.progress)
}

fn known_progress(status: TransferStatus, is_size_known: bool, progress: f64) -> Option<f64> {
    match status {
        TransferStatus::Completed => Some(100.0),
        _ => (is_size_known || progress > 0.0).then_some(progress),
    }
}

/// The progress of a transfer as text; a dash if it is not known.
pub(crate) fn progress_percent(transfer: &Transfer) -> String {
    progress(transfer).map_or_else(|| "–".to_owned(), format::percent)
}

/// The current speed of a running transfer, or the average speed of a completed one. A stalled transfer has none.
pub(crate) fn speed(transfer: &Transfer) -> String {
    let speed = match transfer.status {
        TransferStatus::Running if !transfer.stalled => Some(transfer.speed),
        TransferStatus::Completed => {
            milliseconds_taken(transfer).map(|taken| average_speed(transfer.bytes_transferred.0, taken))
        }
        _ => None,
    };
    speed.map_or_else(|| "–".to_owned(), format::rate)
}

/// The average speed in bytes per second, computed as the server does for sorting.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn average_speed(bytes: i64, milliseconds: i64) -> f64 {
    bytes as f64 * 1000.0 / milliseconds.max(1) as f64
}

/// The result of verifying the checksum of a copy that has ended; `None` if it is not known.
pub(crate) fn checksum_result(transfer: &Transfer) -> Option<(&'static str, Tone)> {
    let is_mismatch = transfer.error_code.as_deref() == Some(FailureCode::Mismatch.as_str());
    known_checksum(transfer.status, transfer.checksum_sha256.is_some(), is_mismatch)
}

fn known_checksum(status: TransferStatus, is_reported: bool, is_mismatch: bool) -> Option<(&'static str, Tone)> {
    match status {
        TransferStatus::Completed if is_reported => Some(("Reported by the agent", Tone::Good)),
        TransferStatus::Completed => Some(("Not reported", Tone::Neutral)),
        TransferStatus::Failed if is_mismatch => Some(("The copy differs from its source", Tone::Bad)),
        _ => None,
    }
}

/// The name of the value that [`speed`] returns.
pub(crate) fn speed_name(transfer: &Transfer) -> &'static str {
    if transfer.status == TransferStatus::Completed { "Average speed" } else { "Speed" }
}

/// The time from the start to the end of a transfer that has ended.
pub(crate) fn time_taken(transfer: &Transfer) -> String {
    milliseconds_taken(transfer).map_or_else(|| "–".to_owned(), |taken| format::duration(taken / 1000))
}

fn milliseconds_taken(transfer: &Transfer) -> Option<i64> {
    Some(transfer.completed_at?.0 - transfer.started_at?.0)
}

/// The remaining time of a running transfer.
pub(crate) fn time_left(transfer: &Transfer) -> String {
    match transfer.eta_seconds {
        Some(seconds) if transfer.status == TransferStatus::Running => format::duration(seconds.into()),
        _ => "–".to_owned(),
    }
}

/// What a directive of a type asks an agent to do.
pub(crate) fn directive(kind: &str) -> &'static str {
    match DirectiveKind::from_name(kind) {
        Some(DirectiveKind::StartJob) => "Start a job",
        Some(DirectiveKind::CancelJobRun) => "Cancel a run of a job",
        Some(DirectiveKind::CancelTransfer) => "Cancel a transfer",
        Some(DirectiveKind::RetryTransfer) => "Retry a transfer",
        Some(DirectiveKind::RunStep) => "Carry out a step of a pipeline",
        Some(DirectiveKind::CancelStep) => "Cancel a step of a pipeline",
        Some(DirectiveKind::RotateKey) => "Replace its key",
        Some(DirectiveKind::SetHeartbeatInterval) => "Send heartbeats at another interval",
        None => "Unknown directive",
    }
}

/// The load average of the agent's machine in the last minute.
pub(crate) fn load(agent: &Agent) -> String {
    agent.load.map_or_else(|| "–".to_owned(), |load| format::fixed(load, 2))
}

/// The memory in use on the agent's machine.
pub(crate) fn memory(agent: &Agent) -> String {
    agent.memory.map_or_else(|| "–".to_owned(), format::memory)
}

/// The state of a job or pipeline in a list with its newest runs: `Failing` if it is active and the last run that has
/// ended failed, otherwise `state`. `ended` has the labels of the runs that have ended, newest first.
fn state_with_runs(
    state: (&'static str, Tone),
    mut ended: impl Iterator<Item = (&'static str, Tone)>,
) -> (&'static str, Tone) {
    match ended.next() {
        Some((_, Tone::Bad)) if state.1 == Tone::Good => ("Failing", Tone::Bad),
        _ => state,
    }
}

/// A summary of runs by their states: `Last 3 runs: 2 completed, 1 failed`.
fn counted_by_outcome(words: impl ExactSizeIterator<Item = &'static str>) -> String {
    let noun = match words.len() {
        0 => return "No runs yet".to_owned(),
        1 => "Last run".to_owned(),
        more => format!("Last {more} runs"),
    };
    let mut counts: Vec<(&str, i64)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let parts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {}", word.to_ascii_lowercase())).collect();
    format!("{noun}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_without_a_size_is_unknown() {
        assert_eq!(known_progress(TransferStatus::Running, false, 0.0), None);
        assert_eq!(known_progress(TransferStatus::Running, true, 0.0), Some(0.0));
        assert_eq!(known_progress(TransferStatus::Running, false, 12.5), Some(12.5));
        assert_eq!(known_progress(TransferStatus::Failed, false, 0.0), None);
        assert_eq!(known_progress(TransferStatus::Completed, false, 0.0), Some(100.0));
    }

    #[test]
    fn the_result_of_a_checksum_is_said_once_it_is_known() {
        assert_eq!(known_checksum(TransferStatus::Running, true, false), None);
        let reported = known_checksum(TransferStatus::Completed, true, false);
        assert_eq!(reported, Some(("Reported by the agent", Tone::Good)));
        let missing = known_checksum(TransferStatus::Completed, false, false);
        assert_eq!(missing, Some(("Not reported", Tone::Neutral)));
        let different = known_checksum(TransferStatus::Failed, false, true);
        assert_eq!(different, Some(("The copy differs from its source", Tone::Bad)));
        assert_eq!(known_checksum(TransferStatus::Failed, false, false), None);
    }

    #[test]
    fn an_average_speed_is_bytes_per_second() {
        let speed = average_speed(72_000_000, 3000);
        assert!((speed - 24_000_000.0).abs() < f64::EPSILON, "{speed}");
        assert!(average_speed(1000, 0).is_finite());
    }
}
