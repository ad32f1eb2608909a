//! Cursors of the event log: a customer does not learn the number of other customers' events.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    actor::{Actor, Scope},
    error::{Error, Result},
    service::ControlPlane,
    store,
};

/// The position of a cursor in the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
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
