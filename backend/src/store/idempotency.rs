//! Requests that must have their effect once, whatever is lost on the way back.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::db::{Db, Tx, json, sql};
use crate::error::{Error, Result};

/// Which request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Who asks, as `Actor` prints itself.
    pub caller: String,
    /// What is asked for.
    pub operation: &'static str,
    /// The client's key.
    pub key: String,
}

/// The right to carry a request out.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which request.
    pub request: RequestKey,
    /// Which attempt at it.
    pub id: Uuid,
}

/// What is known of a request.
#[derive(Debug)]
pub enum Known {
    /// Nothing: it is the caller's to carry out.
    Nothing,
    /// It is being carried out.
    Running,
    /// The same key stood for another body.
    OtherBody,
    /// It was carried out, with this answer.
    Answered(Value),
}

#[derive(FromRow)]
struct IdempotencyRow {
    body_digest: Vec<u8>,
    claim: Uuid,
    claimed_until: DateTime<Utc>,
    answer: Option<Json<Value>>,
    expires_at: DateTime<Utc>,
}

/// Claims a request, or says what is known of it. A claim whose holder died is taken over after `claimed_until`.
pub async fn claim(
    db: &Db,
    claim: &Claim,
    body_digest: &[u8],
    now: DateTime<Utc>,
    claimed_until: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Known> {
    let request = &claim.request;
    let mut tx = db.begin().await?;
    let inserted =
        sql("INSERT INTO idempotency (caller, operation, key, body_digest, claim, claimed_until, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (caller, operation, key) DO NOTHING")
        .bind(request.caller.clone())
        .bind(request.operation)
        .bind(request.key.clone())
        .bind(body_digest.to_vec())
        .bind(claim.id)
        .bind(claimed_until)
        .bind(expires_at)
        .execute(&mut tx)
        .await?;
    if inserted == 1 {
        tx.commit().await?;
        return Ok(Known::Nothing);
    }
    let row: Option<IdempotencyRow> =
        sql("SELECT body_digest, claim, claimed_until, answer, expires_at FROM idempotency \
         WHERE caller = $1 AND operation = $2 AND key = $3")
        .bind(request.caller.clone())
        .bind(request.operation)
        .bind(request.key.clone())
        .fetch_optional(&mut tx)
        .await?;
    // Gone between the two statements: its holder has just failed and given it up.
    let Some(row) = row else { return Ok(Known::Running) };
    let is_stale = row.expires_at <= now || (row.answer.is_none() && row.claimed_until <= now);
    if !is_stale {
        return Ok(match row.answer {
            _ if row.body_digest != body_digest => Known::OtherBody,
            Some(answer) => Known::Answered(answer.0),
            None => Known::Running,
        });
    }
    let taken =
        sql("UPDATE idempotency SET body_digest = $1, claim = $2, claimed_until = $3, expires_at = $4, answer = $5 \
         WHERE claim = $6 AND caller = $7 AND operation = $8 AND key = $9")
        .bind(body_digest.to_vec())
        .bind(claim.id)
        .bind(claimed_until)
        .bind(expires_at)
        .bind(sea_query::Value::Json(None))
        .bind(row.claim)
        .bind(request.caller.clone())
        .bind(request.operation)
        .bind(request.key.clone())
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(if taken == 1 { Known::Nothing } else { Known::Running })
}

/// Keeps the answer, in the transaction that carries the request out.
///
/// # Errors
///
/// [`Error::Conflict`] if the claim was lost meanwhile: then nothing may be written.
pub async fn complete(tx: &mut Tx, claim: &Claim, answer: &impl serde::Serialize) -> Result<()> {
    let rows = sql("UPDATE idempotency SET answer = $1 \
         WHERE caller = $2 AND operation = $3 AND key = $4 AND claim = $5 AND answer IS NULL")
    .bind(json(answer)?)
    .bind(claim.request.caller.clone())
    .bind(claim.request.operation)
    .bind(claim.request.key.clone())
    .bind(claim.id)
    .execute(tx)
    .await?;
    if rows == 1 { Ok(()) } else { Err(Error::conflict("another request with this Idempotency-Key took over")) }
}

/// Gives a claim up: nothing came of it.
pub async fn release(db: &Db, claim: &Claim) -> Result<()> {
    let mut tx = db.begin().await?;
    sql("DELETE FROM idempotency WHERE caller = $1 AND operation = $2 AND key = $3 AND claim = $4 AND answer IS NULL")
        .bind(claim.request.caller.clone())
        .bind(claim.request.operation)
        .bind(claim.request.key.clone())
        .bind(claim.id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}
