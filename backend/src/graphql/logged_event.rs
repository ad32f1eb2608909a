//! An event of the event log in GraphQL, and how a stream on another runtime reads the log.

use async_graphql::{ID, Object};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    node::Node,
    runtimes::{OtherRuntime, outcome},
};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId},
    model::{
        Instant,
        event::{self, LoggedKind},
    },
    service::{ControlPlane, EventLogSubscription},
};

/// Reads the event log on the runtime of requests, for a stream that is executed on another runtime. Reads one event
/// ahead.
pub(super) struct LogFollower {
    events: mpsc::Receiver<Result<Option<event::Event>>>,
    reading: Option<AbortOnDropHandle<()>>,
}

impl LogFollower {
    pub(super) fn start(mut log: EventLogSubscription, requests: &OtherRuntime) -> Self {
        let (read, events) = mpsc::channel(1);
        let reading = requests.start(async move {
            while let Some(event) = log.next().await {
                if read.send(event).await.is_err() {
                    return;
                }
            }
        });
        Self { events, reading: Some(reading) }
    }

    /// Waits for the next event; `Ok(None)` stands for a gap. The outer `None` means that the log has ended, because
    /// the server stops.
    pub(super) async fn next(&mut self) -> Option<Result<Option<event::Event>>> {
        let event = self.events.recv().await;
        if event.is_none()
            && let Some(reading) = self.reading.take()
        {
            // If the reading has panicked, so does the stream.
            drop(outcome(reading).await);
        }
        event
    }
}

/// An event of the event log.
pub(super) struct LoggedEvent {
    cursor: String,
    kind: LoggedKind,
    event: event::Event,
}

impl LoggedEvent {
    /// An event of the event log; `None` if the log does not keep such events.
    pub(super) fn new(cp: &ControlPlane, event: event::Event) -> Option<Self> {
        match (event.number, event.kind.logged()) {
            (Some(number), Some(kind)) => Some(Self { cursor: cp.log_cursor(number), kind, event }),
            _ => None,
        }
    }

    /// The position of the event in the log.
    pub(super) fn place(&self) -> String {
        self.cursor.clone()
    }
}

/// An event of the event log.
#[Object(name = "Event")]
impl LoggedEvent {
    /// Id of the event.
    async fn id(&self) -> ID {
        ID(self.cursor.clone())
    }

    /// Position of the event in the event log. Pass it as `after` to read the events that follow.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// Kind of the event.
    async fn kind(&self) -> LoggedKind {
        self.kind
    }

    /// Time of the event.
    async fn at(&self) -> Instant {
        self.event.at
    }

    /// Who caused the event: `user:<id>`, `agent:<id>` or `system`. Customers see `admin` instead of an administrator's
    /// id.
    async fn actor(&self) -> &str {
        &self.event.actor
    }

    /// Customer that owns the object; null if it belongs to the platform.
    async fn customer_id(&self) -> Option<CustomerId> {
        self.event.object.customer()
    }

    /// Agent that the event is about, or the agent of its transfer or job.
    async fn agent_id(&self) -> Option<AgentId> {
        self.event.object.agent()
    }

    /// Id of the object.
    async fn object_id(&self) -> ID {
        ID(self.event.object.id().to_string())
    }

    /// The object after the change. Customers get `yaml` and `versions` of a pipeline only in events of its current
    /// version; in other events, `yaml` and `versions` are empty.
    async fn object(&self) -> Node {
        self.event.object.clone().into()
    }
}
