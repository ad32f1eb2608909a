//! The table of webhook secrets. The caller encrypts and decrypts the secrets.

use chrono::{DateTime, Utc};

use super::{
    db::{
        Conn, Tx,
        table::{table, values},
    },
    pipelines::owner_id,
};
use crate::{
    error::Result,
    ids::{CustomerId, WebhookSecretId},
    model::webhook_secret::WebhookSecret,
};

/// A webhook secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecretRow {
    /// The id of this secret; a rotation creates another one.
    pub id: WebhookSecretId,
    /// The customer whose webhooks are signed with the secret; `None` for the platform.
    pub customer_id: Option<CustomerId>,
    /// The beginning of the secret, for display.
    pub prefix: String,
    /// The nonce of the encryption.
    pub nonce: Vec<u8>,
    /// The encrypted secret.
    pub sealed: Vec<u8>,
    /// The time at which the secret was created.
    pub created_at: DateTime<Utc>,
}

table! {
    webhook_secrets: WebhookSecretRow { id, customer_id, prefix, nonce, sealed, created_at }
    from "webhook_secrets" prefix "";
    others { owner_id }

    /// Written with the first secret of a customer.
    const CREATED { customer_id: Uuid }

    /// Written with every secret.
    const REPLACED { id: Uuid, prefix: Text, nonce: Bytes, sealed: Bytes, created_at: Instant }
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

/// Stores the secret of a customer or of the platform, and replaces the previous one.
pub async fn replace(tx: &mut Tx, row: &WebhookSecretRow) -> Result<()> {
    let columns = values(WebhookSecretRow::CREATED, row).chain(values(WebhookSecretRow::REPLACED, row));
    let columns = columns.chain([("owner_id", owner_id(row.customer_id).into())]);
    let mut statement = WebhookSecretRow::TABLE.insert(columns).push(" ON CONFLICT (owner_id) DO UPDATE");
    let mut lead = " SET ";
    for column in WebhookSecretRow::REPLACED {
        statement = statement.push(lead).push(column.name).push(" = excluded.").push(column.name);
        lead = ", ";
    }
    statement.execute(tx).await?;
    Ok(())
}

/// Reads the secret of a customer, or of the platform if `customer` is `None`. Returns `None` if there is no secret.
pub async fn find(conn: impl Into<Conn<'_>>, customer: Option<CustomerId>) -> Result<Option<WebhookSecretRow>> {
    WebhookSecretRow::TABLE.select().push_bind(" WHERE owner_id = ", owner_id(customer)).fetch_optional(conn).await
}

/// Reads the webhook secret with this id; `None` if it does not exist.
pub async fn by_id(conn: impl Into<Conn<'_>>, id: WebhookSecretId) -> Result<Option<WebhookSecretRow>> {
    WebhookSecretRow::TABLE.select().push_bind(" WHERE id = ", id).fetch_optional(conn).await
}
