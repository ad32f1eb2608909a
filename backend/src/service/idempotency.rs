//! Idempotency keys: a creating request with the same key has one effect, however often the client repeats it.

use std::{borrow::Cow, sync::Arc};

use chrono::TimeDelta;
use serde::{Serialize, de::DeserializeOwned};
use tracing::Instrument;

use super::{ControlPlane, Work};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    store::{
        self,
        idempotency::{IdempotencyClaim, Known, RequestKey},
    },
};

/// How long an answer is stored.
const RETENTION: TimeDelta = TimeDelta::hours(24);
/// After this time an unfinished request counts as lost, and a repetition takes over its key.
const CLAIM_TIMEOUT: TimeDelta = TimeDelta::minutes(1);
/// The longest idempotency key, in bytes. A key consists of visible ASCII characters.
const MAX_KEY: usize = 255;

impl ControlPlane {
    /// Runs `carry_out` once for each idempotency key; without a key, it runs each time. A repetition of the request
    /// with the same key and body gets the stored first answer.
    ///
    /// `permission` is the permission that the call requires. For a caller without it, the key is ignored, and
    /// `carry_out` refuses the caller.
    ///
    /// Once begun, the request is carried out even if the client disconnects, so that a repetition finds the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] for a malformed key, [`Error::Unprocessable`] if the key was used with another body,
    /// [`Error::Conflict`] while the first request is running or if its answer cannot be read, and the errors of the
    /// call.
    pub async fn with_idempotency<T, F>(
        self: &Arc<Self>,
        actor: &Actor,
        permission: Permission,
        operation: impl Into<Cow<'static, str>>,
        key: Option<&str>,
        body: &[u8],
        carry_out: impl FnOnce(Arc<Self>, Option<IdempotencyClaim>) -> F,
    ) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let Some(key) = key.filter(|_| actor.may(permission)) else { return carry_out(Arc::clone(self), None).await };
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::field("Idempotency-Key", format!("must be 1 to {MAX_KEY} visible ASCII characters")));
        }
        let request = RequestKey { caller: actor.to_string(), operation: operation.into(), key: key.to_owned() };
        let claim = IdempotencyClaim { request, id: self.ids.next(self.now()) };
        let body_digest = self.tokens.digest(b"idempotency", body);
        let work = carry_out(Arc::clone(self), Some(claim.clone()));
        // The claim and the work are one task, so that no claim is left without work when the client disconnects.
        let task = Arc::clone(self).claim_and_work(claim, body_digest, work);
        self.tasks.spawn(task.in_current_span()).await.map_err(Error::internal)?
    }

    /// Claims the request, and does the work if no other call has claimed it; otherwise returns the answer of that call.
    async fn claim_and_work<T>(
        self: Arc<Self>,
        claim: IdempotencyClaim,
        body_digest: Vec<u8>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T>
    where
        T: DeserializeOwned + Send,
    {
        let now = self.now();
        let known =
            store::idempotency::claim(&self.db, &claim, &body_digest, now, now + CLAIM_TIMEOUT, now + RETENTION)
                .await?;
        match known {
            Known::Answered(answer) => serde_json::from_value(answer).map_err(|error| {
                let operation = &claim.request.operation;
                tracing::warn!(%operation, %error, "the answer to an idempotency key cannot be read");
                Error::conflict(
                    "the request was carried out, but this version of the server cannot read the stored \
                    answer: read the created object",
                )
            }),
            Known::OtherBody => Err(Error::Unprocessable(
                "this Idempotency-Key was used with another body: use a new key for another request",
            )),
            Known::Running => {
                Err(Error::conflict("a request with this Idempotency-Key is still running: try again in a moment"))
            }
            Known::Nothing => {
                let outcome = work.await;
                if outcome.is_err()
                    && let Err(error) = store::idempotency::release(&self.db, &claim).await
                {
                    tracing::warn!(error = &error as &dyn std::error::Error, "an idempotency key was not released");
                }
                outcome
            }
        }
    }
}

impl Work {
    /// Stores the answer for the idempotency key in the transaction of the change, so that a crash loses both or
    /// neither of them. Has no effect without a claim.
    pub(super) async fn complete(&mut self, claim: Option<&IdempotencyClaim>, answer: &impl Serialize) -> Result<()> {
        match claim {
            Some(claim) => store::idempotency::complete(&mut self.tx, claim, answer).await,
            None => Ok(()),
        }
    }
}
