//! The cursors of the log, and whom it names: a customer learns neither how much happens for others nor who administers
//! the platform.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::ControlPlane;
use crate::{
    actor::{Actor, Scope},
    error::{Error, Result},
    ids::{CustomerId, UserId},
    model::event::Event,
    store,
};

/// As what an administrator appears in the log of a customer.
const ADMINISTRATOR: &str = "admin";

/// Where a cursor points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the event of this number.
    At(i64),
    /// At an event that this form of cursor cannot name.
    Unknown,
}

impl ControlPlane {
    /// The cursor of an event: its number, sealed.
    #[must_use]
    pub fn log_cursor(&self, number: i64) -> String {
        URL_SAFE_NO_PAD.encode(self.tokens.seal(number))
    }

    /// Where a cursor points, under the name of the argument that holds it.
    ///
    /// Earlier versions gave the number itself. Such a cursor works as far as they gave them out; beyond, it would let a
    /// customer count what happens for others.
    pub(super) async fn log_place(&self, actor: &Actor, name: &'static str, cursor: &str) -> Result<Place> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let sealed = <[u8; 16]>::try_from(bytes.as_slice()).ok().and_then(|sealed| self.tokens.unseal(sealed));
        if let Some(number) = sealed {
            return Ok(Place::At(number));
        }
        let plain = <[u8; 8]>::try_from(bytes.as_slice()).ok().map(i64::from_be_bytes).filter(|number| *number >= 0);
        let Some(number) = plain else { return Err(Error::field(name, "is not a cursor of the log")) };
        let is_known = actor.scope() == Scope::All || number <= store::events::plain_cursors_until(&self.db).await?;
        Ok(if is_known { Place::At(number) } else { Place::Unknown })
    }

    /// Puts a kind in the place of actors who are none of the customer's business.
    pub(super) async fn hide_actors(&self, customer: CustomerId, events: &mut [Event]) -> Result<()> {
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
