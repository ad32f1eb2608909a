//! The log of events, and the number that orders all that happens.

use super::db::{Tx, json, sql};
use crate::{
    error::Result,
    model::event::{Change, Event},
};

/// Gives the changes of a transaction their numbers and writes those the log keeps. The last statement of a
/// transaction: whoever has the head commits before the next one gets it, so that numbers are in commit order.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn record(tx: &mut Tx, changes: Vec<Change>) -> Result<Vec<Event>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let statement = sql("UPDATE event_head SET number = number + $1 WHERE id = 1 RETURNING number").bind(count);
    let (last,): (i64,) = statement.fetch_one(&mut *tx).await?;
    let numbered = changes.into_iter().zip(last - count + 1..);
    let events: Vec<Event> = numbered.map(|(change, number)| Event::new(change, Some(number))).collect();
    let logged: Vec<&Event> = events.iter().filter(|event| event.kind.is_logged()).collect();
    // Few enough rows for the engines' limit of bound values.
    for rows in logged.chunks(500) {
        insert(tx, rows).await?;
    }
    Ok(events)
}

async fn insert(tx: &mut Tx, events: &[&Event]) -> Result<()> {
    let mut statement =
        sql("INSERT INTO events (number, at, kind, actor, object_id, customer_id, agent_id, object) VALUES ");
    for (index, event) in events.iter().enumerate() {
        let object = &event.object;
        statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
            event.number.into(),
            event.at.0.into(),
            event.kind.to_string().into(),
            event.actor.clone().into(),
            object.id().into(),
            object.customer().into(),
            object.agent().into(),
            json(object)?,
        ]);
    }
    statement.execute(tx).await?;
    Ok(())
}

/// The number of the last event that was committed.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn head(db: &super::Db) -> Result<i64> {
    let (number,): (i64,) = sql("SELECT number FROM event_head WHERE id = 1").fetch_one(db).await?;
    Ok(number)
}
