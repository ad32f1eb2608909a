//! Idempotency keys: a request that is repeated with its idempotency key has one effect.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, Tx, json, row, sql};
use crate::error::{Error, Result};

/// Identifies a request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller, as [`Actor`](crate::actor::Actor) formats itself.
    pub caller: String,
    /// The name of the operation. Keys of different operations are independent of each other.
    pub operation: Cow<'static, str>,
    /// The idempotency key that the client sent.
    pub key: String,
}

/// The exclusive right to execute the request of an idempotency key.
#[derive(Clone, Debug)]
pub struct IdempotencyClaim {
    /// The claimed request.
    pub request: RequestKey,
    /// The id of this claim; a later claim of the same request has another one.
    pub id: Uuid,
}

/// The state of a request with an idempotency key.
#[derive(Debug)]
pub enum Known {
    /// The request was not executed before; this call has claimed it.
    Nothing,
    /// Another call is executing the request.
    Running,
    /// The key was used before with another request body.
    OtherBody,
    /// The request was executed before, with this answer.
    Answered(Value),
}

row! {
    struct IdempotencyRow {
        body_digest: Vec<u8>,
        claim: Uuid,
        claimed_until: DateTime<Utc>,
        answer: Option<Json<Value>>,
        expires_at: DateTime<Utc>,
    }
}

/// Claims the execution of a request, or returns its state. After `claimed_until`, another call takes over a claim that
/// was neither completed nor released. The stored answer is valid until `expires_at`.
pub async fn claim(
    db: &Db,
    claim: &IdempotencyClaim,
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
        .bind(&*request.operation)
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
        .bind(&*request.operation)
        .bind(request.key.clone())
        .fetch_optional(&mut tx)
        .await?;
    // The claim was released between the two statements.
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
        .bind(&*request.operation)
        .bind(request.key.clone())
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(if taken == 1 { Known::Nothing } else { Known::Running })
}

/// Stores the answer to the request, in the transaction that executes it.
///
/// # Errors
///
/// [`Error::Conflict`] if another call has taken over the claim; the caller must then not commit the transaction.
pub async fn complete(tx: &mut Tx, claim: &IdempotencyClaim, answer: &impl serde::Serialize) -> Result<()> {
    let rows = sql("UPDATE idempotency SET answer = $1 \
         WHERE caller = $2 AND operation = $3 AND key = $4 AND claim = $5 AND answer IS NULL")
    .bind(json(answer)?)
    .bind(claim.request.caller.clone())
    .bind(&*claim.request.operation)
    .bind(claim.request.key.clone())
    .bind(claim.id)
    .execute(tx)
    .await?;
    if rows == 1 {
        Ok(())
    } else {
        Err(Error::conflict(
            "another request with this Idempotency-Key took over: send the request again to get the answer",
        ))
    }
}

/// Releases the claim after a failure, so that the client can repeat the request.
pub async fn release(db: &Db, claim: &IdempotencyClaim) -> Result<()> {
    let mut tx = db.begin().await?;
    sql("DELETE FROM idempotency WHERE caller = $1 AND operation = $2 AND key = $3 AND claim = $4 AND answer IS NULL")
        .bind(claim.request.caller.clone())
        .bind(&*claim.request.operation)
        .bind(claim.request.key.clone())
        .bind(claim.id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}
