//! Webhook secrets. They are stored encrypted under a key that is derived from the signing secret, so a copy of the
//! database is not sufficient to sign webhooks.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{ControlPlane, enrolment_codes::SHOWN};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    ids::CustomerId,
    model::{
        event::{Kind, Object},
        webhook_secret::WebhookSecret,
    },
    store::{self, webhook_secrets::WebhookSecretRow},
};

/// The prefix of webhook secrets.
const PREFIX: &str = "mft_wh_";

impl ControlPlane {
    /// Creates a webhook secret, which replaces the previous one. Only the result of this call contains the whole
    /// secret. A user of a customer replaces the customer's secret. An administrator replaces that of the named
    /// customer or, with `None`, that of the platform.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for another customer.
    pub async fn rotate_webhook_secret(&self, actor: &Actor, customer: Option<CustomerId>) -> Result<WebhookSecret> {
        let scope = actor.require(Permission::RotateWebhookSecret)?;
        let customer = match (scope, customer) {
            (Scope::Customer(own), Some(named)) if own != named => return Err(Error::NotFound("customer")),
            (Scope::Customer(own), _) => Some(own),
            (_, named) => named,
        };
        let mut work = self.begin(actor).await?;
        if let Some(customer) = customer {
            store::customers::find(&mut work.tx, customer).await?.ok_or(Error::NotFound("customer"))?;
        }
        let secret = self.ids.secret(PREFIX);
        let mut nonce = [0; NONCE_LEN];
        self.ids.fill(&mut nonce);
        let row = WebhookSecretRow {
            id: self.ids.next(work.now),
            customer_id: customer,
            prefix: secret[..SHOWN].to_owned(),
            nonce: nonce.to_vec(),
            sealed: self.seal(customer, nonce, &secret)?,
            created_at: work.now,
        };
        store::webhook_secrets::replace(&mut work.tx, &row).await?;
        let shown = WebhookSecret::from(row);
        work.note(Kind::WebhookSecretRotated, Object::WebhookSecret(shown.clone()));
        self.commit(work).await?;
        Ok(WebhookSecret { secret, ..shown })
    }

    /// Whether the customer, or the platform if `None`, has a webhook secret.
    pub(super) async fn has_webhook_secret(&self, customer: Option<CustomerId>) -> Result<bool> {
        Ok(store::webhook_secrets::find(&self.db, customer).await?.is_some())
    }

    /// Computes the signature of a body: `t=<second>,v1=<HMAC-SHA-256 of second, dot and body>`. Returns `None` if the
    /// customer has no webhook secret.
    pub(super) async fn webhook_signature(
        &self,
        customer: Option<CustomerId>,
        body: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<String>> {
        let Some(row) = store::webhook_secrets::find(&self.db, customer).await? else { return Ok(None) };
        let secret = self.open(&row)?;
        let second = at.timestamp();
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).map_err(Error::internal)?;
        mac.update(format!("{second}.{body}").as_bytes());
        let digits = mac.finalize().into_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        Ok(Some(format!("t={second},v1={hex}")))
    }

    fn seal(&self, customer: Option<CustomerId>, nonce: [u8; NONCE_LEN], secret: &str) -> Result<Vec<u8>> {
        let mut sealed = secret.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key()?.seal_in_place_append_tag(nonce, bound_to(customer), &mut sealed).map_err(undecryptable)?;
        Ok(sealed)
    }

    fn open(&self, row: &WebhookSecretRow) -> Result<Vec<u8>> {
        let nonce = Nonce::try_assume_unique_for_key(&row.nonce).map_err(undecryptable)?;
        let mut sealed = row.sealed.clone();
        let opened = self.key()?.open_in_place(nonce, bound_to(row.customer_id), &mut sealed).map_err(undecryptable)?;
        Ok(opened.to_vec())
    }

    fn key(&self) -> Result<LessSafeKey> {
        let key = self.tokens.digest(b"webhook secrets", &[]);
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).map_err(undecryptable)?))
    }
}

/// The associated data of the encryption: a secret can be decrypted for its customer only.
fn bound_to(customer: Option<CustomerId>) -> Aad<[u8; 16]> {
    Aad::from(store::pipelines::owner_id(customer).into_bytes())
}

fn undecryptable(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::internal("a webhook's secret was encrypted under another signing secret")
}
