//! Secrets that all servers on one database share.

use chrono::{DateTime, Utc};

use super::db::{Db, sql};
use crate::error::Result;

/// Reads the secret with this name. If it does not exist, stores and returns `fresh`.
pub async fn get_or_insert(db: &Db, name: &str, fresh: Vec<u8>, now: DateTime<Utc>) -> Result<Vec<u8>> {
    let mut tx = db.begin().await?;
    sql("INSERT INTO secrets (name, value, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(fresh)
        .bind(now)
        .execute(&mut tx)
        .await?;
    let (value,): (Vec<u8>,) = sql("SELECT value FROM secrets WHERE name = $1").bind(name).fetch_one(&mut tx).await?;
    tx.commit().await?;
    Ok(value)
}
