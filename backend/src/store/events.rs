//! The event log, and the counter that numbers events in the order of their commits.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::db::{Db, Tx, json, row, sql};
use crate::{
    error::{Error, Result},
    ids::{AgentId, CustomerId},
    model::event::{Change, Event, Kind, Object, Unknown},
};

/// Selects events of the log.
#[derive(Clone, Copy, Debug)]
pub struct EventRange {
    /// If set, only events that users of this customer may see.
    pub customer: Option<CustomerId>,
    /// If set, only events about the object with this id.
    pub object: Option<Uuid>,
    /// If set, only events with a higher number than this one (if `is_upward`) or a lower number (if not).
    pub beyond: Option<i64>,
    /// Whether events are read oldest first (in the order of commits) instead of newest first.
    pub is_upward: bool,
    /// The maximum number of events.
    pub limit: u64,
}

row! {
    struct EventRow {
        number: i64,
        at: DateTime<Utc>,
        kind: String,
        actor: String,
        object_id: Uuid,
        customer_id: Option<CustomerId>,
        agent_id: Option<AgentId>,
        object: String,
    }
}

/// Reads an event. An object that cannot be read, because another version wrote it or it is damaged, becomes
/// [`Object::Unknown`], so that the other events of a page can still be read.
impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let EventRow { number, at, kind, actor, object_id, customer_id, agent_id, object } = row;
        let read = serde_json::from_str(&object).map_err(|error| error.to_string()).and_then(Object::from_payload);
        let object =
            read.unwrap_or_else(|reason| Object::Unknown(Unknown { id: object_id, customer_id, agent_id, reason }));
        Self { number: Some(number), kind: kind.parse().unwrap_or(Kind::Unknown), at: at.into(), actor, object }
    }
}

/// Reads the events of the log that `range` selects, in the order that it names.
pub async fn list(db: &Db, range: EventRange) -> Result<Vec<Event>> {
    let EventRange { customer, object, beyond, is_upward, limit } = range;
    let mut statement = sql("SELECT number, at, kind, actor, object_id, customer_id, agent_id, \
         CAST(object AS TEXT) AS object FROM events WHERE 1 = 1");
    if let Some(customer) = customer {
        let visible = Kind::visible_to_customers().map(|kind| kind.to_string().into());
        statement = statement.push_bind(" AND customer_id = ", customer).push(" AND kind IN ").push_tuple(visible);
    }
    if let Some(object) = object {
        statement = statement.push_bind(" AND object_id = ", object);
    }
    if let Some(beyond) = beyond {
        statement = statement.push_bind(if is_upward { " AND number > " } else { " AND number < " }, beyond);
    }
    let order = if is_upward { " ORDER BY number LIMIT " } else { " ORDER BY number DESC LIMIT " };
    let rows: Vec<EventRow> = statement.push_bind(order, limit.cast_signed()).fetch_all(db).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// Reads the events of one kind whose numbers are greater than `after` and at most `until`, in the order of commits; at
/// most `limit`.
pub async fn of_kind(db: &Db, kind: Kind, after: i64, until: i64, limit: i64) -> Result<Vec<Event>> {
    let statement = sql("SELECT number, at, kind, actor, object_id, customer_id, agent_id, \
         CAST(object AS TEXT) AS object FROM events WHERE ");
    let statement = statement.push_bind("number > ", after).push_bind(" AND number <= ", until);
    let statement = statement.push_bind(" AND kind = ", kind.to_string()).push_bind(" ORDER BY number LIMIT ", limit);
    let rows: Vec<EventRow> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// Numbers the changes of a transaction, writes those that are logged, and returns all as events. It must be the last
/// call before the commit, because it locks `event_head` until the commit: so numbers are in the order of commits.
pub async fn record(tx: &mut Tx, mut changes: Vec<Change>) -> Result<Vec<Event>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let statement = sql("UPDATE event_head SET number = number + $1 WHERE id = 1 RETURNING number").bind(count);
    let (last,): (i64,) = statement.fetch_one(&mut *tx).await?;
    let parts: Vec<Option<Object>> = changes.iter_mut().map(|change| change.logged.take()).collect();
    let numbered = changes.into_iter().zip(last - count + 1..);
    let events: Vec<Event> = numbered.map(|(change, number)| Event::new(change, Some(number))).collect();
    let logged = events.iter().zip(&parts).filter(|(event, _)| event.kind.is_logged());
    let logged: Vec<(&Event, &Object)> =
        logged.map(|(event, part)| (event, part.as_ref().unwrap_or(&event.object))).collect();
    // Keeps the number of bound values below the limits of the engines.
    for rows in logged.chunks(500) {
        insert(tx, rows).await?;
    }
    Ok(events)
}

/// Writes events with the objects that are logged for them, which may be smaller than the objects that are published.
async fn insert(tx: &mut Tx, events: &[(&Event, &Object)]) -> Result<()> {
    let mut statement =
        sql("INSERT INTO events (number, at, kind, actor, object_id, customer_id, agent_id, object) VALUES ");
    for (index, (event, object)) in events.iter().enumerate() {
        statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
            event.number.into(),
            event.at.0.into(),
            event.kind.to_string().into(),
            event.actor.clone().into(),
            object.id().into(),
            object.customer().into(),
            object.agent().into(),
            json(&object.payload().map_err(Error::internal)?)?,
        ]);
    }
    statement.execute(tx).await?;
    Ok(())
}

/// Reads the number of the last committed event.
pub async fn head(db: &super::Db) -> Result<i64> {
    let (number,): (i64,) = sql("SELECT number FROM event_head WHERE id = 1").fetch_one(db).await?;
    Ok(number)
}

/// Reads the highest number of the purged events; 0 if no event was purged.
pub async fn purged(db: &Db) -> Result<i64> {
    let (number,): (i64,) = sql("SELECT purged FROM event_head WHERE id = 1").fetch_one(db).await?;
    Ok(number)
}

/// Reads the highest event number for which an earlier version may have issued an unencrypted cursor.
pub async fn plain_cursors_until(db: &Db) -> Result<i64> {
    let (number,): (i64,) = sql("SELECT plain_cursors_until FROM event_head WHERE id = 1").fetch_one(db).await?;
    Ok(number)
}

/// Records that events from before this time are about to be purged, and returns the highest number of these events; 0
/// if there are none. From then on, subscribers that have not read these events get a gap.
pub(super) async fn note_purge(db: &Db, before: DateTime<Utc>) -> Result<i64> {
    let (last,): (Option<i64>,) =
        sql("SELECT MAX(number) FROM events WHERE at < $1").bind(before).fetch_one(db).await?;
    let Some(last) = last else { return Ok(0) };
    let mut tx = db.begin().await?;
    sql("UPDATE event_head SET purged = $1 WHERE id = 1 AND purged < $1").bind(last).execute(&mut tx).await?;
    tx.commit().await?;
    Ok(last)
}
