//! The event log: list, subscribe.

use cynic::{Id, QueryBuilder, SubscriptionBuilder};

use super::{
    ById, ByIdFields, Request,
    agents::AgentStatus,
    job_runs::{JobName, RunStatus},
    pipeline_runs::{self, PipelineName},
    schema,
    slots::Outcome,
    transfers::TransferStatus,
};
use crate::time::Instant;

/// Declares the kinds of events with their names.
macro_rules! kinds {
    (
        customers { $($(#[doc = $customers_text:literal])+ $customers:ident = $customers_name:literal,)+ }
        administrators { $($(#[doc = $administrators_text:literal])+ $administrators:ident = $administrators_name:literal,)+ }
        unlogged { $($unlogged:tt)+ }
    ) => {
        /// The kind of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
        pub(crate) enum EventKind {
            $($customers,)+
            $($administrators,)+
            Unknown,
            #[cynic(fallback)]
            Other,
        }

        impl EventKind {
            /// The name of the kind for users.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$customers => $customers_name,)+
                    $(Self::$administrators => $administrators_name,)+
                    Self::Unknown | Self::Other => "Unknown event",
                }
            }
        }
    };
}

mftplus_protocol::event_kinds!(kinds);

/// An event of the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Event {
    pub(crate) id: Id,
    pub(crate) kind: EventKind,
    pub(crate) at: Instant,
    pub(crate) actor: String,
    pub(crate) object_id: Id,
    pub(crate) object: Object,
}

/// The object of an event, as it was after the change.
#[derive(Clone, Debug, PartialEq, cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
pub(crate) enum Object {
    Agent(LoggedAgent),
    Transfer(LoggedTransfer),
    Job(LoggedJob),
    JobRun(LoggedRun),
    JobSlot(LoggedSlot),
    Pipeline(LoggedPipeline),
    PipelineRun(LoggedPipelineRun),
    PipelineSlot(LoggedPipelineSlot),
    Customer(LoggedCustomer),
    User(LoggedUser),
    #[cynic(fallback)]
    Other,
}

/// An agent in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Agent")]
pub(crate) struct LoggedAgent {
    pub(crate) name: Option<String>,
    pub(crate) hostname: String,
    pub(crate) status: AgentStatus,
}

/// A transfer in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Transfer")]
pub(crate) struct LoggedTransfer {
    pub(crate) source: String,
    pub(crate) status: TransferStatus,
    pub(crate) agent_id: Id,
    pub(crate) agent_name: String,
    pub(crate) error_message: Option<String>,
}

/// A job in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
pub(crate) struct LoggedJob {
    pub(crate) name: String,
}

/// A run of a job in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "JobRun")]
pub(crate) struct LoggedRun {
    pub(crate) job_id: Id,
    pub(crate) job: Option<JobName>,
    pub(crate) error_message: Option<String>,
    #[cynic(rename = "status", alias)]
    pub(crate) run_status: RunStatus,
}

/// A slot of a job in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "JobSlot")]
pub(crate) struct LoggedSlot {
    pub(crate) job_id: Id,
    pub(crate) job: Option<JobName>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
}

/// A pipeline in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Pipeline")]
pub(crate) struct LoggedPipeline {
    pub(crate) name: String,
}

/// A run of a pipeline in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineRun")]
pub(crate) struct LoggedPipelineRun {
    pub(crate) pipeline_id: Id,
    pub(crate) pipeline: Option<PipelineName>,
    pub(crate) error_message: Option<String>,
    #[cynic(rename = "status", alias)]
    pub(crate) pipeline_run_status: pipeline_runs::PipelineRunStatus,
}

/// A slot of a pipeline in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineSlot")]
pub(crate) struct LoggedPipelineSlot {
    pub(crate) pipeline_id: Id,
    pub(crate) pipeline: Option<PipelineName>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
}

/// A customer in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Customer")]
pub(crate) struct LoggedCustomer {
    pub(crate) name: String,
}

/// A user in the event log.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub(crate) struct LoggedUser {
    pub(crate) email: String,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListEvents {
    #[arguments(first: 40, after: $after)]
    events: EventConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct ListEventsOf {
    #[arguments(first: 50, objectId: $id)]
    events: EventConnection,
}

#[derive(cynic::QueryFragment)]
struct EventConnection {
    nodes: Vec<Event>,
    page_info: PageInfo,
}

#[derive(cynic::QueryFragment)]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// One page of the event log, newest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    /// The cursor after which the next page with older events begins; `None` if there are no older events.
    pub(crate) older: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
struct WatchEvents {
    events: LogEntry,
}

#[derive(cynic::QueryFragment)]
struct LogEntry {
    event: Option<Event>,
}

/// An object that causes events.
#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum ActorNode {
    Agent(ActingAgent),
    User(LoggedUser),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Agent")]
struct ActingAgent {
    name: Option<String>,
    hostname: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetActor {
    #[arguments(id: $id)]
    node: Option<ActorNode>,
}

/// Gets the name of an agent, or the e-mail address of a user; `None` if it was deleted or the viewer may not see it.
pub(crate) fn actor_name(id: &str) -> Request<Option<String>> {
    Request::new(&GetActor::build(ById::new(id)), |found| {
        Ok(match found.node {
            Some(ActorNode::Agent(agent)) => Some(agent.name.unwrap_or(agent.hostname)),
            Some(ActorNode::User(user)) => Some(user.email),
            Some(ActorNode::Other) | None => None,
        })
    })
}

/// Gets one page of events that are older than a cursor, or the newest events without a cursor.
pub(crate) fn list(after: Option<String>) -> Request<EventPage> {
    Request::new(&ListEvents::build(ListVariables { after }), |ListEvents { events: found }| {
        let PageInfo { has_next_page, end_cursor } = found.page_info;
        Ok(EventPage { events: found.nodes, older: end_cursor.filter(|_| has_next_page) })
    })
}

/// Gets the events of an object, newest first: at most 50 of the last 30 days.
pub(crate) fn list_of(object: &str) -> Request<Vec<Event>> {
    Request::new(&ListEventsOf::build(ById::new(object)), |found| Ok(found.events.nodes))
}

/// Subscribes to new events. An update is one event; `None` means that events may have been missed.
pub(crate) fn watch() -> Request<Option<Event>> {
    Request::stream(&WatchEvents::build(()), |frame| frame.events.event)
}
