//! Cursors of the event log. The number of an event is encrypted in them, so that a customer cannot count the events of
//! other customers.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    actor::{Actor, Scope},
    error::{Error, Result},
    service::ControlPlane,
    store,
};

/// The position in the event log that a cursor names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// The event with this number.
    At(i64),
    /// The cursor has the form of earlier versions and names an event for which only the current form is accepted.
    Unknown,
}

impl ControlPlane {
    /// Returns the cursor of the event with this number: the number, encrypted and authenticated.
    #[must_use]
    pub fn log_cursor(&self, number: i64) -> String {
        URL_SAFE_NO_PAD.encode(self.tokens.seal(number))
    }

    /// Reads a cursor. `name` is the argument that contained the cursor, for the error message.
    ///
    /// Earlier versions used the plain number as a cursor. For a customer, such a cursor is valid up to the last number
    /// that they issued; a larger one would let the customer count the events of others.
    pub(super) async fn log_position(&self, actor: &Actor, name: &'static str, cursor: &str) -> Result<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let sealed = <[u8; 16]>::try_from(bytes.as_slice()).ok().and_then(|sealed| self.tokens.unseal(sealed));
        if let Some(number) = sealed {
            return Ok(Position::At(number));
        }
        let plain = <[u8; 8]>::try_from(bytes.as_slice()).ok().map(i64::from_be_bytes).filter(|number| *number >= 0);
        let Some(number) = plain else { return Err(Error::field(name, "is not a cursor of the log")) };
        let is_known = actor.scope() == Scope::All || number <= store::events::plain_cursors_until(&self.db).await?;
        Ok(if is_known { Position::At(number) } else { Position::Unknown })
    }
}
