//! Reading the event log page by page.

use std::collections::HashSet;

use super::{ControlPlane, cursors::Place};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    ids::{CustomerId, PipelineId},
    model::event::{Event, Object},
    store::{self, events::EventRange},
};

impl ControlPlane {
    /// Events of the log that the caller may see, newest first: the older ones next to the cursor `beyond`, or with
    /// `is_upward` the newer ones; and whether there are more in that direction. The cursor comes with the name of the
    /// argument that holds it.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Fields`] for what is no cursor, or none any more.
    pub async fn list_events(
        &self,
        actor: &Actor,
        beyond: Option<(&'static str, String)>,
        is_upward: bool,
        limit: u64,
    ) -> Result<(Vec<Event>, bool)> {
        let customer = match actor.require(Permission::ViewEvents)? {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let beyond = match beyond {
            Some((name, cursor)) => match self.log_place(actor, name, &cursor).await? {
                Place::At(number) => Some(number),
                Place::Unknown => {
                    return Err(Error::field(name, "is a cursor of an earlier version: begin with the newest events"));
                }
            },
            None => None,
        };
        let range = EventRange { customer, beyond, is_upward, limit: limit + 1 };
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

    /// Removes from a customer's events what only administrators may see. Every read of the log for a customer ends here.
    pub(super) async fn hide_from_customer(&self, customer: CustomerId, events: &mut [Event]) -> Result<()> {
        self.hide_actors(customer, events).await?;
        self.hide_earlier_versions(customer, events).await
    }

    /// Removes the definition and the list of versions from each pipeline whose version is not the current one any more.
    /// A pipeline that was deleted has no current version.
    async fn hide_earlier_versions(&self, customer: CustomerId, events: &mut [Event]) -> Result<()> {
        let ids: HashSet<PipelineId> = events
            .iter()
            .filter_map(|event| match &event.object {
                Object::Pipeline(pipeline) => Some(pipeline.id),
                _ => None,
            })
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<PipelineId> = ids.into_iter().collect();
        // Read after the events: a version that is replaced in between is hidden.
        let current = store::pipelines::current_versions(&self.db, customer, &ids).await?;
        for event in events {
            if let Object::Pipeline(pipeline) = &mut event.object
                && current.get(&pipeline.id) != Some(&pipeline.version)
            {
                pipeline.yaml = String::new();
                pipeline.versions = Vec::new();
            }
        }
        Ok(())
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
