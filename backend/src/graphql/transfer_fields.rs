//! The GraphQL fields of transfers that load related objects, depend on the viewer's permissions, or have another form
//! than in REST; and the results of changes of several transfers.

use async_graphql::{ComplexObject, Context, SimpleObject};

use super::{
    context::{loader, viewer_may},
    loaders::SamplesOf,
};
use crate::{
    actor::Permission,
    ids::TransferId,
    model::{
        agent::Agent,
        customer::Customer,
        scalar::ByteCount,
        transfer::{Transfer, TransferSample},
    },
    service::TransferOutcomes,
};

/// What the samples of a transfer cost, in multiples of one: they are one row, and their maximum number is rarely reached.
const SAMPLES: usize = 10;

/// The result of the change of one of several transfers.
#[derive(SimpleObject)]
pub(crate) struct TransferResult {
    /// Id of the transfer.
    id: TransferId,
    /// Whether the transfer was changed.
    ok: bool,
    /// Error code, if the change was refused.
    code: Option<String>,
    /// What went wrong, in one sentence, if the change was refused.
    error: Option<String>,
}

/// Converts the outcome for each transfer into a result.
pub(super) fn results(outcomes: TransferOutcomes) -> Vec<TransferResult> {
    let result = |(id, outcome): (TransferId, crate::error::Result<Transfer>)| {
        let error = outcome.err();
        let code = error.as_ref().map(|error| error.code().to_string());
        TransferResult { id, ok: error.is_none(), code, error: error.map(|error| error.to_string()) }
    };
    outcomes.into_iter().map(result).collect()
}

impl Transfer {
    /// The value of `etaSeconds`; `None` if there is no estimate, or if it is longer than 68 years, the maximum of an
    /// `Int`.
    pub(super) fn eta(&self) -> Option<i32> {
        self.eta_seconds.and_then(|seconds| i32::try_from(seconds).ok())
    }

    /// Whether a viewer with the permission may cancel the transfer now.
    pub(super) const fn can_be_cancelled(&self) -> bool {
        self.status.can_be_cancelled() && self.cancel_requested_at.is_none()
    }
}

#[ComplexObject]
impl Transfer {
    /// The agent that makes the copy; null if it was revoked.
    async fn agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Agent>> {
        Ok(loader(ctx)?.load_one(self.agent_id).await?)
    }

    /// Name of the agent, or its host name if it has no name.
    async fn agent_name(&self) -> &str {
        &self.agent.name
    }

    /// Host name of the agent.
    async fn agent_hostname(&self) -> &str {
        &self.agent.hostname
    }

    /// The customer that owns the transfer.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }

    /// Total size in bytes; 0 if it is unknown (see `sizeKnown`).
    async fn bytes_total(&self) -> ByteCount {
        ByteCount(self.bytes_total)
    }

    /// Bytes copied so far in the current attempt; never decreases within an attempt.
    async fn bytes_transferred(&self) -> ByteCount {
        ByteCount(self.bytes_transferred)
    }

    /// Estimated seconds until the end at the current speed; null if the transfer is not running or there is no
    /// estimate.
    async fn eta_seconds(&self) -> Option<i32> {
        self.eta()
    }

    /// Bytes and speed over time, at most 300 samples and at least 10 seconds apart. They are kept for 30 days.
    #[graphql(complexity = "SAMPLES * child_complexity + 1")]
    async fn samples(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<TransferSample>> {
        Ok(loader(ctx)?.load_one(SamplesOf(self.id)).await?.unwrap_or_default())
    }

    /// Whether the viewer may cancel the transfer now; false if it has ended or a cancel request is open.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        self.can_be_cancelled() && viewer_may(ctx, Permission::CancelTransfer)
    }

    /// Whether the viewer may retry the transfer now; false unless it has failed and its agent is not revoked.
    async fn viewer_can_retry(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = self.status.can_be_retried() && viewer_may(ctx, Permission::RetryTransfer);
        Ok(is_possible && loader(ctx)?.load_one(self.agent_id).await?.is_some())
    }
}
