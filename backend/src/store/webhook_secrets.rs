//! The secrets that webhooks are signed with, encrypted by whoever stores them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{
    db::{Conn, Tx, sql},
    pipelines::owner,
};
use crate::{
    error::Result,
    ids::{CustomerId, WebhookSecretId},
    model::webhook::WebhookSecret,
};

const COLUMNS: &str = "SELECT id, customer_id, prefix, nonce, sealed, created_at FROM webhook_secrets WHERE ";

/// A secret as it is stored.
#[derive(Clone, Debug, FromRow)]
pub struct WebhookSecretRow {
    /// Its id.
    pub id: WebhookSecretId,
    /// Whose it is; nothing for the platform's own.
    pub customer_id: Option<CustomerId>,
    /// How it begins, for display.
    pub prefix: String,
    /// What it was encrypted with beside the key.
    pub nonce: Vec<u8>,
    /// The secret, encrypted.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<WebhookSecretRow> for WebhookSecret {
    fn from(row: WebhookSecretRow) -> Self {
        Self {
            id: row.id,
            secret: format!("{}…", row.prefix),
            customer_id: row.customer_id,
            created_at: row.created_at.into(),
        }
    }
}

/// Stores an owner's secret in the place of the one before.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn replace(tx: &mut Tx, row: &WebhookSecretRow) -> Result<()> {
    sql("INSERT INTO webhook_secrets (owner_id, id, customer_id, prefix, nonce, sealed, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (owner_id) DO UPDATE SET id = excluded.id, \
         prefix = excluded.prefix, nonce = excluded.nonce, sealed = excluded.sealed, created_at = excluded.created_at")
    .bind(owner(row.customer_id))
    .bind(row.id)
    .bind(row.customer_id)
    .bind(row.prefix.clone())
    .bind(row.nonce.clone())
    .bind(row.sealed.clone())
    .bind(row.created_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// The secret of an owner, if there is one.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find(conn: impl Into<Conn<'_>>, customer: Option<CustomerId>) -> Result<Option<WebhookSecretRow>> {
    sql(COLUMNS).push_bind("owner_id = ", owner(customer)).fetch_optional(conn).await
}

/// The secret with this id, if there is one.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn by_id(conn: impl Into<Conn<'_>>, id: WebhookSecretId) -> Result<Option<WebhookSecretRow>> {
    sql(COLUMNS).push_bind("id = ", id).fetch_optional(conn).await
}
