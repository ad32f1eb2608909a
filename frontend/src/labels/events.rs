//! Labels of events: kind, object and actor. Pure.

use super::{jobs, pipelines};
use crate::{
    api::{
        agents::AgentStatus,
        events::{Event, EventKind, Object},
        transfers::TransferStatus,
    },
    format,
    ui::Tone,
};

/// The label of an event's kind. The status of its object says more than some kinds do.
pub(crate) fn event(event: &Event) -> (&'static str, Tone) {
    match (event.kind, &event.object) {
        (EventKind::AgentStatusChanged, Object::Agent(agent)) => agent_event(agent.status),
        (EventKind::TransferStatusChanged, Object::Transfer(transfer)) => transfer_event(transfer.status),
        (EventKind::JobRunStatusChanged, Object::JobRun(run)) => jobs::run_event(run.run_status),
        (EventKind::JobSlotDecided, Object::JobSlot(slot)) => jobs::slot_event(slot.outcome),
        (EventKind::PipelineRunStatusChanged, Object::PipelineRun(run)) => {
            pipelines::run_event(run.pipeline_run_status)
        }
        (EventKind::PipelineSlotDecided, Object::PipelineSlot(slot)) => jobs::slot_event(slot.outcome),
        (kind, _) => (kind.name(), tone(kind)),
    }
}

/// The tone of a kind; neutral for most.
const fn tone(kind: EventKind) -> Tone {
    match kind {
        EventKind::AgentRegistered => Tone::Good,
        EventKind::TransferStatusChanged | EventKind::TransferResumed | EventKind::JobRunStarted => Tone::Accent,
        EventKind::AgentKeyRotated
        | EventKind::AgentKeyRotationRequested
        | EventKind::TransferStalled
        | EventKind::TransferCancelRequested
        | EventKind::JobDeleted
        | EventKind::JobRunCancelRequested
        | EventKind::JobRunReportedLate
        | EventKind::PipelineDeleted
        | EventKind::PipelineRunCancelRequested
        | EventKind::PipelineStepReportedLate
        | EventKind::WebhookSecretRotated => Tone::Warn,
        EventKind::AgentDuplicateStopped | EventKind::AgentRevoked | EventKind::SessionEndedForReuse => Tone::Bad,
        _ => Tone::Neutral,
    }
}

fn agent_event(status: AgentStatus) -> (&'static str, Tone) {
    match status {
        AgentStatus::Online => ("Agent online", Tone::Good),
        AgentStatus::Busy => ("Agent busy", Tone::Accent),
        AgentStatus::Error => ("Agent in error", Tone::Bad),
        AgentStatus::Offline => ("Agent offline", Tone::Warn),
    }
}

fn transfer_event(status: TransferStatus) -> (&'static str, Tone) {
    match status {
        TransferStatus::Queued => ("Transfer queued again", Tone::Neutral),
        TransferStatus::Running => ("Transfer started", Tone::Accent),
        TransferStatus::Completed => ("Transfer completed", Tone::Good),
        TransferStatus::Failed => ("Transfer failed", Tone::Bad),
        TransferStatus::Cancelled => ("Transfer cancelled", Tone::Neutral),
    }
}

/// The label of an actor, and the address of the page if it is an agent. The label ends with the end of the id, because
/// ids that were created at about the same time have the same beginning.
pub(crate) fn actor(logged: &str) -> (String, Option<String>) {
    let Some((kind, id)) = logged.split_once(':') else { return (format::capitalized(logged), None) };
    let end = id.get(id.len().saturating_sub(6)..).unwrap_or(id);
    (format!("{}\u{a0}…{end}", format::capitalized(kind)), (kind == "agent").then(|| format!("/agents/{id}")))
}

/// The label of an object without a name: the end of its id.
fn short(noun: &str, id: &str) -> String {
    format!("{noun} …{}", id.get(id.len().saturating_sub(8)..).unwrap_or(id))
}

/// The name of the object of an event, and the address of its page if it has one.
pub(crate) fn subject(event: &Event) -> (String, Option<String>) {
    let id = event.object_id.inner();
    match &event.object {
        Object::Agent(agent) => {
            (agent.name.clone().unwrap_or_else(|| agent.hostname.clone()), Some(format!("/agents/{id}")))
        }
        Object::Transfer(transfer) => (format::file_name(&transfer.source), Some(format!("/transfers/{id}"))),
        Object::Job(job) => (job.name.clone(), Some(format!("/jobs/{id}"))),
        Object::JobRun(run) => (short("Run", id), Some(format!("/jobs/{}/runs/{id}", run.job_id.inner()))),
        Object::JobSlot(slot) => (short("Slot", id), Some(format!("/jobs/{}", slot.job_id.inner()))),
        Object::Pipeline(pipeline) => (pipeline.name.clone(), Some(format!("/pipelines/{id}"))),
        Object::PipelineRun(run) => {
            (short("Run", id), Some(format!("/pipelines/{}/runs/{id}", run.pipeline_id.inner())))
        }
        Object::PipelineSlot(slot) => (short("Slot", id), Some(format!("/pipelines/{}", slot.pipeline_id.inner()))),
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
