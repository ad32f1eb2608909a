//! Enrolment codes. Only their SHA-256 digests are stored.

use chrono::{DateTime, Utc};

use super::{
    db::{
        Conn, Db, Tx, sql,
        table::{table, values},
    },
    pagination,
};
use crate::{
    error::Result,
    ids::{CustomerId, EnrolmentCodeId},
    model::{Page, PageRequest, Total, enrolment_code::EnrolmentCode},
};

/// An enrolment code as it is read: without its secret, of which only the beginning is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentCodeRow {
    /// The id of the enrolment code, not its secret.
    pub id: EnrolmentCodeId,
    /// The customer whose agents register with the code.
    pub customer_id: CustomerId,
    /// The beginning of the secret, for display.
    pub prefix: String,
    /// The expiry time of the code; `None` if it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// The maximum number of uses; `None` if there is no limit.
    pub max_uses: Option<i64>,
    /// The number of agents that have registered with the code.
    pub uses: i64,
}

impl From<EnrolmentCodeRow> for EnrolmentCode {
    fn from(row: EnrolmentCodeRow) -> Self {
        Self {
            id: row.id,
            code: format!("{}…", row.prefix),
            customer_id: row.customer_id,
            expires_at: row.expires_at.map(Into::into),
            max_uses: row.max_uses,
            uses: row.uses,
        }
    }
}

table! {
    enrolment_codes: EnrolmentCodeRow { id, customer_id, prefix, expires_at, max_uses, uses }
    from "enrolment_codes" prefix "";
    // Given to `insert`, and no part of the row.
    others { digest, created_at }

    /// Written when the code is created.
    const CREATED { id: Uuid, customer_id: Uuid, prefix: Text, expires_at: Instant, max_uses: Integer, uses: Integer }
}

/// Stores a new enrolment code by its digest.
pub async fn insert(tx: &mut Tx, code: &EnrolmentCodeRow, digest: &[u8], now: DateTime<Utc>) -> Result<()> {
    let others = [("digest", digest.to_vec().into()), ("created_at", now.into())];
    EnrolmentCodeRow::TABLE.insert(values(EnrolmentCodeRow::CREATED, code).chain(others)).execute(tx).await?;
    Ok(())
}

/// Reads the enrolment code with this id; `None` if it does not exist.
pub async fn find(conn: impl Into<Conn<'_>>, id: EnrolmentCodeId) -> Result<Option<EnrolmentCodeRow>> {
    EnrolmentCodeRow::TABLE.select().push_bind(" WHERE id = ", id).fetch_optional(conn).await
}

/// Reads a page of a customer's enrolment codes, newest first.
pub async fn list(db: &Db, customer: CustomerId, request: PageRequest) -> Result<Page<EnrolmentCodeRow>> {
    let counted = sql("SELECT COUNT(*) FROM enrolment_codes WHERE customer_id = $1").bind(customer);
    let (total,): (i64,) = counted.fetch_one(db).await?;
    let codes = EnrolmentCodeRow::TABLE.select().push_bind(" WHERE customer_id = ", customer);
    let rows = pagination::cut(codes, request).fetch_all(db).await?;
    Ok(pagination::page(rows, request, Total::Exactly(total.unsigned_abs())))
}

/// Counts one use of the enrolment code with this digest, and returns its customer. Returns `None` if the code is
/// unknown, expired or used up, or if the customer is suspended.
pub async fn redeem(tx: &mut Tx, digest: &[u8], now: DateTime<Utc>) -> Result<Option<CustomerId>> {
    let row: Option<(CustomerId,)> = sql("UPDATE enrolment_codes SET uses = uses + 1 \
         WHERE digest = $1 AND (expires_at IS NULL OR expires_at > $2) AND (max_uses IS NULL OR uses < max_uses) \
         AND customer_id IN (SELECT id FROM customers WHERE suspended = $3) RETURNING customer_id")
    .bind(digest.to_vec())
    .bind(now)
    .bind(false)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|(customer,)| customer))
}

/// Deletes an enrolment code. Returns false if it does not exist.
pub async fn delete(tx: &mut Tx, id: EnrolmentCodeId) -> Result<bool> {
    Ok(sql("DELETE FROM enrolment_codes WHERE id = $1").bind(id).execute(tx).await? == 1)
}
