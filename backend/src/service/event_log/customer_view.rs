//! What a customer sees of an event: neither the identities of administrators nor definitions that were replaced.

use std::collections::HashSet;

use crate::{
    error::Result,
    ids::{CustomerId, PipelineId, UserId},
    model::event::{Event, Object},
    service::ControlPlane,
    store,
};

/// How an administrator is named in the log of a customer.
const ADMINISTRATOR: &str = "admin";

impl ControlPlane {
    /// Removes from a customer's events what only administrators may see. Every read of the log for a customer must
    /// call this.
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

    /// Replaces actors that are not users of the customer by [`ADMINISTRATOR`].
    async fn hide_actors(&self, customer: CustomerId, events: &mut [Event]) -> Result<()> {
        let user = |event: &Event| event.actor.strip_prefix("user:").map(|id| id.parse::<UserId>().ok());
        let users: HashSet<UserId> = events.iter().filter_map(|event| user(event).flatten()).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        let own: HashSet<UserId> = store::users::of_customer(&self.db, customer, &users).await?.into_iter().collect();
        for event in events {
            if user(&*event).is_some_and(|user| user.is_none_or(|user| !own.contains(&user))) {
                ADMINISTRATOR.clone_into(&mut event.actor);
            }
        }
        Ok(())
    }
}
