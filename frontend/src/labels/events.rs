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

/// The label and tone of an event. For some kinds, the label is the status of the object, which says more than the
/// kind.
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

/// A part of the event log, which the user can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Failures,
    Agents,
    Transfers,
    Jobs,
    Pipelines,
    Administration,
}

/// The parts of the event log: value, name in URLs, label.
pub(crate) const PARTS: [(Part, &str, &str); 6] = [
    (Part::Failures, "failures", "Failures"),
    (Part::Agents, "agents", "Agents"),
    (Part::Transfers, "transfers", "Transfers"),
    (Part::Jobs, "jobs", "Jobs"),
    (Part::Pipelines, "pipelines", "Pipelines"),
    (Part::Administration, "administration", "Administration"),
];

impl Part {
    /// Whether an event belongs to this part.
    pub(crate) fn holds(self, logged: &Event) -> bool {
        match self {
            Self::Failures => event(logged).1 == Tone::Bad,
            Self::Agents => matches!(logged.object, Object::Agent(_)),
            Self::Transfers => matches!(logged.object, Object::Transfer(_)),
            Self::Jobs => matches!(logged.object, Object::Job(_) | Object::JobRun(_) | Object::JobSlot(_)),
            Self::Pipelines => {
                matches!(logged.object, Object::Pipeline(_) | Object::PipelineRun(_) | Object::PipelineSlot(_))
            }
            Self::Administration => matches!(logged.object, Object::Customer(_) | Object::User(_) | Object::Other),
        }
    }
}

/// The error or the reason of an event, if it has one.
pub(crate) fn cause(event: &Event) -> Option<&str> {
    match &event.object {
        Object::Transfer(transfer) if transfer.status == TransferStatus::Failed => transfer.error_message.as_deref(),
        Object::JobRun(run) => run.error_message.as_deref(),
        Object::JobSlot(slot) => slot.reason.as_deref(),
        Object::PipelineRun(run) => run.error_message.as_deref(),
        Object::PipelineSlot(slot) => slot.reason.as_deref(),
        _ => None,
    }
}

/// The id of the user or agent that caused an event, if the event does not contain its name.
pub(crate) fn unnamed_actor(event: &Event) -> Option<&str> {
    let (_, id) = event.actor.split_once(':')?;
    name_in(event, id).is_none().then_some(id)
}

/// The name of the actor with this id, if it is the agent that the event is about.
fn name_in<'a>(event: &'a Event, id: &str) -> Option<&'a str> {
    match &event.object {
        Object::Agent(agent) if event.object_id.inner() == id => Some(agent.name.as_ref().unwrap_or(&agent.hostname)),
        Object::Transfer(transfer) if transfer.agent_id.inner() == id => Some(&transfer.agent_name),
        _ => None,
    }
}

/// The name of the actor of an event, and the address of its page if it is an agent. `queried` is the name that was
/// queried for an [`unnamed_actor`].
pub(crate) fn actor(event: &Event, queried: Option<String>) -> (String, Option<String>) {
    let named = event.actor.split_once(':').and_then(|(_, id)| name_in(event, id)).map(str::to_owned);
    actor_label(&event.actor, named.or(queried))
}

/// The label of an actor. Without a name, it contains the end of the id, because ids that were created at about the
/// same time have the same beginning.
fn actor_label(logged: &str, name: Option<String>) -> (String, Option<String>) {
    let Some((kind, id)) = logged.split_once(':') else { return (format::capitalized(logged), None) };
    let end = id.get(id.len().saturating_sub(6)..).unwrap_or(id);
    let label = name.unwrap_or_else(|| format!("{}\u{a0}…{end}", format::capitalized(kind)));
    (label, (kind == "agent").then(|| format!("/agents/{id}")))
}

/// The label of a run or a slot: the name of its job or pipeline, or the end of its id if the job or pipeline was
/// deleted.
fn of(noun: &str, owner: Option<&str>, id: &str) -> String {
    match owner {
        Some(owner) => format!("{noun} of {owner}"),
        None => format!("{noun} …{}", id.get(id.len().saturating_sub(8)..).unwrap_or(id)),
    }
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
        Object::JobRun(run) => {
            let job = run.job.as_ref().map(|job| job.name.as_str());
            (of("Run", job, id), Some(format!("/jobs/{}/runs/{id}", run.job_id.inner())))
        }
        Object::JobSlot(slot) => {
            let job = slot.job.as_ref().map(|job| job.name.as_str());
            (of("Slot", job, id), Some(format!("/jobs/{}", slot.job_id.inner())))
        }
        Object::Pipeline(pipeline) => (pipeline.name.clone(), Some(format!("/pipelines/{id}"))),
        Object::PipelineRun(run) => {
            let pipeline = run.pipeline.as_ref().map(|pipeline| pipeline.name.as_str());
            (of("Run", pipeline, id), Some(format!("/pipelines/{}/runs/{id}", run.pipeline_id.inner())))
        }
        Object::PipelineSlot(slot) => {
            let pipeline = slot.pipeline.as_ref().map(|pipeline| pipeline.name.as_str());
            (of("Slot", pipeline, id), Some(format!("/pipelines/{}", slot.pipeline_id.inner())))
        }
        Object::Customer(customer) => (customer.name.clone(), Some(format!("/customers/{id}"))),
        Object::User(user) => (user.email.clone(), None),
        Object::Other => (format!("{}…", id.get(..8).unwrap_or(id)), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{
            events::{LoggedRun, LoggedTransfer},
            job_runs::{JobName, RunStatus},
        },
        time::Instant,
    };

    fn event(kind: EventKind, actor: &str, object: Object) -> Event {
        let (id, object_id) = (cynic::Id::new("e"), cynic::Id::new("0123456789"));
        Event { id, kind, at: Instant(0), actor: actor.to_owned(), object_id, object }
    }

    fn transfer(status: TransferStatus) -> Object {
        Object::Transfer(LoggedTransfer {
            source: "/out/a.csv".to_owned(),
            status,
            agent_id: cynic::Id::new("a1"),
            agent_name: "edge-1".to_owned(),
            error_message: Some("disk full".to_owned()),
        })
    }

    #[test]
    fn actors_without_a_name_are_distinguished_by_the_end_of_their_ids() {
        assert_eq!(actor_label("system", None), ("System".to_owned(), None));
        let agent = actor_label("agent:01a2109b-0de4-7000-802b-bac894316e0a", None);
        let page = "/agents/01a2109b-0de4-7000-802b-bac894316e0a".to_owned();
        assert_eq!(agent, ("Agent\u{a0}…316e0a".to_owned(), Some(page)));
        assert_eq!(actor_label("user:x", None), ("User\u{a0}…x".to_owned(), None));
        assert_eq!(actor_label("user:x", Some("ops@acme".to_owned())), ("ops@acme".to_owned(), None));
    }

    #[test]
    fn the_agent_of_a_transfer_is_named_by_the_event() {
        let own = event(EventKind::TransferStatusChanged, "agent:a1", transfer(TransferStatus::Running));
        assert_eq!((unnamed_actor(&own), actor(&own, None).0), (None, "edge-1".to_owned()));
        let other = event(EventKind::TransferCancelRequested, "user:u1", transfer(TransferStatus::Running));
        assert_eq!(unnamed_actor(&other), Some("u1"));
        assert_eq!(unnamed_actor(&event(EventKind::SignedIn, "system", Object::Other)), None);
    }

    #[test]
    fn failures_have_their_cause_and_are_a_part_of_their_own() {
        let failed = event(EventKind::TransferStatusChanged, "agent:a1", transfer(TransferStatus::Failed));
        let running = event(EventKind::TransferStatusChanged, "agent:a1", transfer(TransferStatus::Running));
        assert_eq!((cause(&failed), cause(&running)), (Some("disk full"), None));
        assert_eq!((Part::Failures.holds(&failed), Part::Failures.holds(&running)), (true, false));
        assert!(Part::Transfers.holds(&running) && !Part::Jobs.holds(&running));
    }

    #[test]
    fn a_run_is_called_after_its_job() {
        let run = |job: Option<&str>| LoggedRun {
            job_id: cynic::Id::new("j"),
            job: job.map(|name| JobName { name: name.to_owned() }),
            error_message: None,
            run_status: RunStatus::Running,
        };
        let named = event(EventKind::JobRunStarted, "system", Object::JobRun(run(Some("Hourly orders"))));
        assert_eq!(subject(&named).0, "Run of Hourly orders");
        let deleted = event(EventKind::JobRunStarted, "system", Object::JobRun(run(None)));
        assert_eq!(subject(&deleted).0, "Run …23456789");
    }
}
