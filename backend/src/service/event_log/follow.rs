//! Subscriptions to the event log: events in the order of commits, without gaps or repetitions.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{cursor::Position, list::report_unread};
use crate::{
    actor::{Actor, Permission, Scope},
    error::Result,
    events::{Reader, Signal},
    ids::CustomerId,
    model::event::Event,
    service::ControlPlane,
    store::{self, events::EventRange},
};

/// The maximum number of events that are read at once.
const PAGE: u64 = 200;
/// How often the log is read without a message of the bus, because messages of other servers can be lost, and the
/// command line sends none.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A subscription to the event log.
pub struct EventLogSubscription {
    cp: Arc<ControlPlane>,
    customer: Option<CustomerId>,
    bus: Reader,
    /// Events up to this number have been read.
    read: i64,
    waiting: VecDeque<Event>,
    has_gap: bool,
    may_have_more: bool,
    has_failed: bool,
}

impl ControlPlane {
    /// Subscribes to the log from now on, or from the event after a cursor. If events after the cursor were purged, the
    /// subscription begins with a gap.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents, [`crate::error::Error::Fields`] for an invalid cursor.
    pub async fn follow_log(self: &Arc<Self>, actor: &Actor, after: Option<String>) -> Result<EventLogSubscription> {
        let customer = match actor.require(Permission::ViewEvents)? {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let after = match after {
            Some(cursor) => Some(self.log_position(actor, "after", &cursor).await?),
            None => None,
        };
        // Subscribed before the log is read, so that no event is missed between.
        let bus = self.bus.read();
        let head = store::events::head(&self.db).await?;
        let purged = store::events::purged(&self.db).await?;
        let (read, has_gap) = match after {
            None => (head, false),
            Some(Position::At(number)) if (purged..=head).contains(&number) => (number, false),
            Some(_) => (purged.min(head), true),
        };
        Ok(EventLogSubscription {
            cp: Arc::clone(self),
            customer,
            bus,
            read,
            waiting: VecDeque::new(),
            has_gap,
            may_have_more: after.is_some(),
            has_failed: false,
        })
    }
}

impl EventLogSubscription {
    /// Waits for the next event. Returns `Some(Ok(None))` for a gap, and `None` when the server stops. After an error,
    /// the next call tries again.
    pub async fn next(&mut self) -> Option<Result<Option<Event>>> {
        let stop = self.cp.stop().clone();
        if std::mem::take(&mut self.has_failed) {
            stop.run_until_cancelled(sleep(POLL_INTERVAL)).await?;
        }
        loop {
            if std::mem::take(&mut self.has_gap) {
                return Some(Ok(None));
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(Ok(Some(event)));
            }
            if self.may_have_more {
                if let Err(error) = self.read().await {
                    self.has_failed = true;
                    return Some(Err(error));
                }
                continue;
            }
            let signal = stop.run_until_cancelled(timeout(POLL_INTERVAL, self.bus.next())).await?;
            self.may_have_more = match signal {
                Ok(Some(Signal::Message(message))) => message.events.iter().any(|event| event.kind.is_logged()),
                Ok(Some(Signal::Resync)) | Err(_) => true,
                Ok(None) => return None,
            };
        }
    }

    async fn read(&mut self) -> Result<()> {
        // Numbers are in the order of commits, so all events up to `head` can be read.
        let head = store::events::head(&self.cp.db).await?;
        if head <= self.read {
            self.may_have_more = false;
            return Ok(());
        }
        let range =
            EventRange { customer: self.customer, object: None, beyond: Some(self.read), is_upward: true, limit: PAGE };
        let mut events = store::events::list(&self.cp.db, range).await?;
        report_unread(&events);
        if let Some(customer) = self.customer {
            self.cp.hide_from_customer(customer, &mut events).await?;
        }
        // A purge records its limit before it deletes, so a deleted event is never overlooked.
        self.has_gap = store::events::purged(&self.cp.db).await? > self.read;
        let is_whole = (events.len() as u64) < PAGE;
        let last = events.last().and_then(|event| event.number);
        self.read = if is_whole { last.unwrap_or(head).max(head) } else { last.unwrap_or(head) };
        self.may_have_more = !is_whole;
        self.waiting.extend(events);
        Ok(())
    }
}
