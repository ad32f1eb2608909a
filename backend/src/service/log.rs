//! The log of what has happened, as it is followed: in the order of commits, without a hole and without a repetition.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{ControlPlane, cursors::Place, history::report_unread};
use crate::{
    actor::{Actor, Permission, Scope},
    error::Result,
    events::{Reader, Signal},
    ids::CustomerId,
    model::event::Event,
    store::{self, events::EventRange},
};

/// Events that are read at once.
const AT_ONCE: u64 = 200;
/// How often the store is looked at without a word of the bus: another server's, or the command line's, may be lost.
const LOOK: Duration = Duration::from_secs(1);

/// Somebody who follows the log.
pub struct Log {
    cp: Arc<ControlPlane>,
    customer: Option<CustomerId>,
    bus: Reader,
    /// All up to this number has been read.
    read: i64,
    waiting: VecDeque<Event>,
    has_gap: bool,
    may_have_more: bool,
    has_failed: bool,
}

impl ControlPlane {
    /// Follows the log from now on, or after a cursor. Of what was purged meanwhile the follower learns by a gap.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents, [`crate::error::Error::Fields`] for what is no cursor.
    pub async fn follow_log(self: &Arc<Self>, actor: &Actor, after: Option<String>) -> Result<Log> {
        let customer = match actor.require(Permission::ViewEvents)? {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let after = match after {
            Some(cursor) => Some(self.log_place(actor, "after", &cursor).await?),
            None => None,
        };
        // Before the store is looked at, so that nothing comes unheard in between.
        let bus = self.bus.read();
        let head = store::events::head(&self.db).await?;
        let purged = store::events::purged(&self.db).await?;
        let (read, has_gap) = match after {
            None => (head, false),
            Some(Place::At(number)) if (purged..=head).contains(&number) => (number, false),
            Some(_) => (purged.min(head), true),
        };
        Ok(Log {
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

impl Log {
    /// The next event, or nothing for a gap; the end when the server stops.
    pub async fn next(&mut self) -> Option<Result<Option<Event>>> {
        let stop = self.cp.stop().clone();
        if std::mem::take(&mut self.has_failed) {
            stop.run_until_cancelled(sleep(LOOK)).await?;
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
            let signal = stop.run_until_cancelled(timeout(LOOK, self.bus.next())).await?;
            self.may_have_more = match signal {
                Ok(Some(Signal::Message(message))) => message.events.iter().any(|event| event.kind.is_logged()),
                Ok(Some(Signal::Resync)) | Err(_) => true,
                Ok(None) => return None,
            };
        }
    }

    async fn read(&mut self) -> Result<()> {
        // What was committed by now is in the store: numbers are in the order of commits.
        let head = store::events::head(&self.cp.db).await?;
        if head <= self.read {
            self.may_have_more = false;
            return Ok(());
        }
        let range = EventRange { customer: self.customer, beyond: Some(self.read), is_upward: true, limit: AT_ONCE };
        let mut events = store::events::list(&self.cp.db, range).await?;
        report_unread(&events);
        if let Some(customer) = self.customer {
            self.cp.hide_from_customer(customer, &mut events).await?;
        }
        // What was there was noted as thrown away before it went.
        self.has_gap = store::events::purged(&self.cp.db).await? > self.read;
        let is_whole = (events.len() as u64) < AT_ONCE;
        let last = events.last().and_then(|event| event.number);
        self.read = if is_whole { last.unwrap_or(head).max(head) } else { last.unwrap_or(head) };
        self.may_have_more = !is_whole;
        self.waiting.extend(events);
        Ok(())
    }
}
