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

/// The label of an event's kind.
pub(crate) fn event(event: &Event) -> (&'static str, Tone) {
    match event.kind {
        EventKind::AgentRegistered => ("Agent registered", Tone::Good),
        EventKind::AgentStatusChanged => match &event.object {
            Object::Agent(agent) => agent_event(agent.status),
            _ => ("Agent changed status", Tone::Neutral),
        },
        EventKind::AgentKeyRotated => ("Agent key rotated", Tone::Warn),
        EventKind::AgentDuplicateStopped => ("Duplicate agent stopped", Tone::Bad),
        EventKind::AgentRevoked => ("Agent revoked", Tone::Bad),
        EventKind::TransferCreated => ("Transfer created", Tone::Neutral),
        EventKind::TransferStatusChanged => match &event.object {
            Object::Transfer(transfer) => transfer_event(transfer.status),
            _ => ("Transfer changed status", Tone::Accent),
        },
        EventKind::TransferStalled => ("Transfer stalled", Tone::Warn),
        EventKind::TransferResumed => ("Transfer resumed", Tone::Accent),
        EventKind::TransferCancelRequested => ("Transfer cancellation requested", Tone::Warn),
        EventKind::JobCreated => ("Job created", Tone::Neutral),
        EventKind::JobUpdated => ("Job updated", Tone::Neutral),
        EventKind::JobDeleted => ("Job deleted", Tone::Warn),
        EventKind::JobRunRequested => ("Job run requested", Tone::Neutral),
        EventKind::JobRunStarted => ("Job run started", Tone::Accent),
        EventKind::JobRunStatusChanged => match &event.object {
            Object::JobRun(run) => jobs::run_event(run.run_status),
            _ => ("Job run changed status", Tone::Neutral),
        },
        EventKind::JobRunCancelRequested => ("Job run cancellation requested", Tone::Warn),
        EventKind::JobRunReportedLate => ("Job run reported too late", Tone::Warn),
        EventKind::JobSlotDecided => match &event.object {
            Object::JobSlot(slot) => jobs::slot_event(slot.outcome),
            _ => ("Job slot decided", Tone::Neutral),
        },
        EventKind::PipelineCreated => ("Pipeline created", Tone::Neutral),
        EventKind::PipelineUpdated => ("Pipeline updated", Tone::Neutral),
        EventKind::PipelineDeleted => ("Pipeline deleted", Tone::Warn),
        EventKind::PipelineRunCreated => ("Pipeline run created", Tone::Neutral),
        EventKind::PipelineRunStatusChanged => match &event.object {
            Object::PipelineRun(run) => pipelines::run_event(run.pipeline_run_status),
            _ => ("Pipeline run changed status", Tone::Neutral),
        },
        EventKind::PipelineStepStatusChanged => ("Pipeline step changed status", Tone::Neutral),
        EventKind::PipelineRunCancelRequested => ("Pipeline run cancellation requested", Tone::Warn),
        EventKind::PipelineStepReportedLate => ("Pipeline step reported too late", Tone::Warn),
        EventKind::PipelineSlotDecided => match &event.object {
            Object::PipelineSlot(slot) => jobs::slot_event(slot.outcome),
            _ => ("Pipeline slot decided", Tone::Neutral),
        },
        EventKind::WebhookSecretRotated => ("Webhook secret rotated", Tone::Warn),
        EventKind::CustomerCreated => ("Customer created", Tone::Neutral),
        EventKind::CustomerUpdated => ("Customer updated", Tone::Neutral),
        EventKind::UserCreated => ("User created", Tone::Neutral),
        EventKind::UserUpdated => ("User updated", Tone::Neutral),
        EventKind::EnrolmentCodeCreated => ("Enrolment code created", Tone::Neutral),
        EventKind::EnrolmentCodeDeleted => ("Enrolment code deleted", Tone::Neutral),
        EventKind::SignedIn => ("Signed in", Tone::Neutral),
        EventKind::SignedOut => ("Signed out", Tone::Neutral),
        EventKind::SessionEndedForReuse => ("Session ended: refresh token used twice", Tone::Bad),
        EventKind::Unknown | EventKind::Other => ("Unknown event", Tone::Neutral),
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
/// ids that were created at about the same time begin alike.
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
