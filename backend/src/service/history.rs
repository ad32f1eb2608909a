//! The log of what has happened, as it is looked through.

use super::ControlPlane;
use crate::{
    actor::{Actor, Scope},
    error::Result,
    model::event::Event,
    store::{self, events::Stretch},
};

impl ControlPlane {
    /// Events of the log that the caller may see, newest first: the older ones next to the number `beyond`, or with
    /// `is_upward` the newer ones; and whether there are more in that direction.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents.
    pub async fn list_events(
        &self,
        actor: &Actor,
        beyond: Option<i64>,
        is_upward: bool,
        limit: u64,
    ) -> Result<(Vec<Event>, bool)> {
        actor.require_user()?;
        let customer = match actor.scope() {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let stretch = Stretch { customer, beyond, is_upward, limit: limit + 1 };
        let mut events = store::events::list(&self.db, stretch).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = events.len() > limit;
        events.truncate(limit);
        if is_upward {
            events.reverse();
        }
        Ok((events, has_more))
    }
}
