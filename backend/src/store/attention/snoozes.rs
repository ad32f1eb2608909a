//! Snoozed attention items.

use chrono::{DateTime, Utc};

use crate::{
    error::Result,
    ids::{AttentionId, CustomerId},
    model::attention::{AttentionKind, AttentionSeverity},
    store::db::{Conn, Db, EnumText, MOST_VALUES, Tx, row, sql},
};

row! {
    /// A snooze as it is stored.
    #[derive(Clone, Debug)]
    pub struct SnoozeRow {
        /// The item.
        pub item_id: AttentionId,
        /// The kind of the item.
        pub kind: EnumText<AttentionKind>,
        /// The customer of the item; `None` for pipelines of the platform.
        pub customer_id: Option<CustomerId>,
        /// The severity of the item when it was snoozed.
        pub severity: EnumText<AttentionSeverity>,
        /// The end of the snooze.
        pub until: DateTime<Utc>,
        /// Why the item is snoozed.
        pub reason: String,
    }
}

const SNOOZES: &str = "SELECT item_id, kind, customer_id, severity, until, reason FROM attention_snoozes WHERE ";

/// Reads the snoozes of these items that end after `now`.
pub async fn of_items(db: &Db, items: &[AttentionId], now: DateTime<Utc>) -> Result<Vec<SnoozeRow>> {
    let mut found = Vec::new();
    for items in items.chunks(MOST_VALUES) {
        let statement = sql(SNOOZES).push_bind("until > ", now).push(" AND item_id IN ");
        let statement = statement.push_tuple(items.iter().map(|id| (*id).into()));
        found.extend(statement.fetch_readable::<SnoozeRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

/// Reads the snooze of an item; `None` if there is none. The snooze may have ended.
pub async fn find(conn: impl Into<Conn<'_>>, id: AttentionId) -> Result<Option<SnoozeRow>> {
    sql(SNOOZES).push_bind("item_id = ", id).fetch_optional(conn).await
}

/// Stores a snooze. It replaces an earlier snooze of the same item.
pub async fn save(tx: &mut Tx, snooze: &SnoozeRow, actor: &str, now: DateTime<Utc>) -> Result<()> {
    sql("INSERT INTO attention_snoozes (item_id, kind, customer_id, severity, until, reason, actor, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (item_id) DO UPDATE SET severity = excluded.severity, \
         until = excluded.until, reason = excluded.reason, actor = excluded.actor, created_at = excluded.created_at")
    .bind(snooze.item_id)
    .bind(snooze.kind.0.to_string())
    .bind(snooze.customer_id)
    .bind(snooze.severity.0.to_string())
    .bind(snooze.until)
    .bind(snooze.reason.as_str())
    .bind(actor)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes the snooze of an item.
pub async fn delete(tx: &mut Tx, id: AttentionId) -> Result<()> {
    sql("DELETE FROM attention_snoozes WHERE item_id = $1").bind(id).execute(tx).await?;
    Ok(())
}

/// Deletes a snooze, unless the item was snoozed again since the snooze was read.
pub async fn end(tx: &mut Tx, snooze: &SnoozeRow) -> Result<()> {
    sql("DELETE FROM attention_snoozes WHERE item_id = $1 AND severity = $2 AND until = $3")
        .bind(snooze.item_id)
        .bind(snooze.severity.0.to_string())
        .bind(snooze.until)
        .execute(tx)
        .await?;
    Ok(())
}
