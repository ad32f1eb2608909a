//! Reading the event log page by page.

use uuid::Uuid;

use super::cursor::Position;
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    model::event::{Event, Object},
    service::ControlPlane,
    store::{self, events::EventRange},
};

impl ControlPlane {
    /// Returns at most `limit` events that the caller may see, newest first, and whether there are more. They are the
    /// events before the cursor `beyond` or, with `is_upward`, those after it. `beyond` consists of the name of the
    /// argument for error messages, and the cursor. With `object`, only events about the object with this id are
    /// returned.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Fields`] for an invalid or expired cursor.
    pub async fn list_events(
        &self,
        actor: &Actor,
        object: Option<Uuid>,
        beyond: Option<(&'static str, String)>,
        is_upward: bool,
        limit: u64,
    ) -> Result<(Vec<Event>, bool)> {
        let customer = match actor.require(Permission::ViewEvents)? {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let beyond = match beyond {
            Some((name, cursor)) => match self.log_position(actor, name, &cursor).await? {
                Position::At(number) => Some(number),
                Position::Unknown => {
                    return Err(Error::field(name, "is a cursor of an earlier version: begin with the newest events"));
                }
            },
            None => None,
        };
        let range = EventRange { customer, object, beyond, is_upward, limit: limit + 1 };
        let mut events = store::events::list(&self.db, range).await?;
        report_unread(&events);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = events.len() > limit;
        events.truncate(limit);
        if let Some(customer) = customer {
            self.hide_from_customer(customer, &mut events).await?;
        }
        if is_upward {
            events.reverse();
        }
        Ok((events, has_more))
    }
}

/// Logs events whose object this version cannot read: one line for all of them.
pub(super) fn report_unread(events: &[Event]) {
    let mut unread = events.iter().filter_map(|event| match &event.object {
        Object::Unknown(unknown) => Some((event, &unknown.reason)),
        _ => None,
    });
    if let Some((event, reason)) = unread.next() {
        let more = unread.count();
        tracing::warn!(number = event.number, kind = %event.kind, more, reason, "the object of an event cannot be read");
    }
}
