//! Changes of many transfers by one request.

use crate::{
    actor::{Actor, Permission},
    error::{Code, Error, Result},
    ids::TransferId,
    model::{
        PageRequest, Total,
        transfer::{MAX_SELECTED, Transfer, TransferSelection, TransferSort},
    },
    service::ControlPlane,
    store,
};

/// The outcome for each transfer, in the order of the ids or, with a filter, newest first.
pub type TransferOutcomes = Vec<(TransferId, Result<Transfer>)>;

/// The outcome for transfers after one that the database did not store.
const NOT_TRIED: Error =
    Error::Unavailable("an earlier transfer could not be stored, so this one was left unchanged: try again");

impl ControlPlane {
    /// Retries each of these transfers like [`Self::retry_transfer`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Fields`] if the filter selects more than [`MAX_SELECTED`] transfers. An
    /// error of one transfer is the outcome of that transfer.
    pub async fn retry_transfers(&self, actor: &Actor, selection: &TransferSelection) -> Result<TransferOutcomes> {
        let mut outcomes: TransferOutcomes = Vec::new();
        for id in self.selected(actor, Permission::RetryTransfer, selection).await? {
            let outcome =
                if is_worth_trying(&outcomes) { self.retry_transfer(actor, id).await } else { Err(NOT_TRIED) };
            outcomes.push((id, outcome));
        }
        Ok(outcomes)
    }

    /// Cancels each of these transfers like [`Self::cancel_transfer`].
    ///
    /// # Errors
    ///
    /// As those of [`Self::retry_transfers`].
    pub async fn cancel_transfers(&self, actor: &Actor, selection: &TransferSelection) -> Result<TransferOutcomes> {
        let mut outcomes: TransferOutcomes = Vec::new();
        for id in self.selected(actor, Permission::CancelTransfer, selection).await? {
            let outcome =
                if is_worth_trying(&outcomes) { self.cancel_transfer(actor, id).await } else { Err(NOT_TRIED) };
            outcomes.push((id, outcome));
        }
        Ok(outcomes)
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

/// Whether the database is available, so that the next transfer need not wait for it in vain.
fn is_worth_trying(outcomes: &[(TransferId, Result<Transfer>)]) -> bool {
    !matches!(outcomes.last(), Some((_, Err(error))) if matches!(error.code(), Code::Unavailable | Code::Internal))
}
