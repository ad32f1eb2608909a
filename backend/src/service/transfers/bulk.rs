//! Changes of many transfers by one request.

use crate::{
    actor::{Actor, Permission},
    error::{Code, Error, Result},
    ids::TransferId,
    model::{
        PageRequest, Total,
        transfer::{MAX_SELECTED, Transfer, TransferSelection, TransferSort},
    },
    service::{ControlPlane, RIGHTS_CHANGED},
    store,
};

/// The outcome for each transfer, in the order of the ids or, with a filter, newest first.
pub type TransferOutcomes = Vec<(TransferId, Result<Transfer>)>;

/// The outcome of the transfers that follow one which the database could not store.
const NOT_TRIED: Error =
    Error::Unavailable("an earlier transfer could not be stored, so this one was left unchanged: try again");

impl ControlPlane {
    /// Retries each of these transfers like [`Self::retry_transfer`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Fields`] if the filter selects more than [`MAX_SELECTED`] transfers.
    /// An error of one transfer is the outcome of that transfer. If the caller's rights change meanwhile, the outcome
    /// of the remaining transfers is [`Error::Unauthenticated`].
    pub async fn retry_transfers(&self, actor: &Actor, selection: &TransferSelection) -> Result<TransferOutcomes> {
        let ids = self.selected(actor, Permission::RetryTransfer, selection).await?;
        Ok(self.change_each(actor, ids, |id| self.retry_transfer(actor, id)).await)
    }

    /// Cancels each of these transfers like [`Self::cancel_transfer`].
    ///
    /// # Errors
    ///
    /// The errors of [`Self::retry_transfers`].
    pub async fn cancel_transfers(&self, actor: &Actor, selection: &TransferSelection) -> Result<TransferOutcomes> {
        let ids = self.selected(actor, Permission::CancelTransfer, selection).await?;
        Ok(self.change_each(actor, ids, |id| self.cancel_transfer(actor, id)).await)
    }

    /// Changes one transfer after the other, as long as the database is available and the caller keeps the right to
    /// change them.
    async fn change_each<Changed>(
        &self,
        actor: &Actor,
        ids: Vec<TransferId>,
        change: impl Fn(TransferId) -> Changed + Send,
    ) -> TransferOutcomes
    where
        Changed: Future<Output = Result<Transfer>> + Send,
    {
        let mut outcomes: TransferOutcomes = Vec::with_capacity(ids.len());
        for id in ids {
            let outcome = match self.may_go_on(actor, &outcomes).await {
                Ok(()) => change(id).await,
                Err(error) => Err(error),
            };
            outcomes.push((id, outcome));
        }
        outcomes
    }

    /// Checks before each transfer that the change can succeed. Once the database was not available for one transfer,
    /// or the caller had lost the right to change it, the remaining transfers are not tried.
    async fn may_go_on(&self, actor: &Actor, outcomes: &[(TransferId, Result<Transfer>)]) -> Result<()> {
        let last = outcomes.last().and_then(|(_, outcome)| outcome.as_ref().err());
        match last.map(Error::code) {
            Some(Code::Unavailable | Code::Internal) => Err(NOT_TRIED),
            Some(Code::Unauthenticated) => Err(RIGHTS_CHANGED),
            _ => self.require_same_rights(actor).await,
        }
    }

    async fn selected(
        &self,
        actor: &Actor,
        permission: Permission,
        selection: &TransferSelection,
    ) -> Result<Vec<TransferId>> {
        let scope = actor.require(permission)?;
        let filter = match selection {
            TransferSelection::Ids(ids) => return Ok(ids.clone()),
            TransferSelection::Filter(filter) => filter,
        };
        let request = PageRequest::page(1, MAX_SELECTED as u64);
        let found = store::transfers::list(&self.db, scope, filter, TransferSort::default(), request).await?;
        let selected = match found.total {
            Total::Exactly(total) if total <= request.limit => {
                return Ok(found.items.iter().map(|row| row.id).collect());
            }
            Total::Exactly(total) => total.to_string(),
            Total::AtLeast(total) => format!("more than {total}"),
        };
        Err(Error::field(
            "filter",
            format!("selects {selected} transfers, but one request changes at most {MAX_SELECTED}: add a condition"),
        ))
    }
}
