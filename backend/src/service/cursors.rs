//! Cursors and actors of the event log: a customer learns neither the number of other customers' events nor the
//! identities of administrators.

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

/// How an administrator is named in the log of a customer.
const ADMINISTRATOR: &str = "admin";

/// The position that a cursor names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The event with this number.
    At(i64),
    /// An event that a cursor of this form may not name.
    Unknown,
}

impl ControlPlane {
    /// The cursor of an event: its number, encrypted and authenticated.
    #[must_use]
    pub fn log_cursor(&self, number: i64) -> String {
        URL_SAFE_NO_PAD.encode(self.tokens.seal(number))
    }

    /// The position of a cursor. `name` is the argument that holds it, for errors.
    ///
    /// Earlier versions used the plain number as a cursor. Such a cursor is valid up to the last number that they
    /// issued; beyond, it would let a customer count the events of others.
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

    /// Replaces actors that are not users of the customer by [`ADMINISTRATOR`].
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
