//! Enrolment codes of customers.

use super::{ControlPlane, authenticate::digest, customers::require_covered};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    ids::{CustomerId, EnrolmentCodeId},
    model::{
        Page, PageRequest,
        enrolment_code::{CreateEnrolmentCode, EnrolmentCode},
        event::{Kind, Object},
    },
    store::{self, enrolment_codes::EnrolmentCodeRow},
};

/// The prefix of enrolment codes.
const CODE_PREFIX: &str = "mft_ec_";
/// The number of leading characters of an API key or enrolment code that are stored for display.
pub(super) const SHOWN: usize = 12;

impl ControlPlane {
    /// Creates an enrolment code. Only the result of this call contains the whole code.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for another customer.
    pub async fn create_enrolment_code(
        &self,
        actor: &Actor,
        customer: CustomerId,
        input: CreateEnrolmentCode,
    ) -> Result<EnrolmentCode> {
        require_covered(actor.require(Permission::CreateEnrolmentCode)?, customer)?;
        let mut work = self.begin(actor).await?;
        store::customers::find(&mut work.tx, customer).await?.ok_or(Error::NotFound("customer"))?;
        if input.expires_at.is_some_and(|end| end <= work.now) {
            return Err(Error::field("expiresAt", "must be in the future"));
        }
        let code = self.ids.secret(CODE_PREFIX);
        let row = EnrolmentCodeRow {
            id: self.ids.next(work.now),
            customer_id: customer,
            prefix: code[..SHOWN].to_owned(),
            expires_at: input.expires_at,
            max_uses: input.max_uses,
            uses: 0,
        };
        store::enrolment_codes::insert(&mut work.tx, &row, &digest(&code), work.now).await?;
        let shown = EnrolmentCode::from(row);
        work.note(Kind::EnrolmentCodeCreated, Object::EnrolmentCode(shown.clone()));
        self.commit(work).await?;
        Ok(EnrolmentCode { code, ..shown })
    }

    /// Returns a page of a customer's enrolment codes, newest first, without their secrets.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for another customer.
    pub async fn list_enrolment_codes(
        &self,
        actor: &Actor,
        customer: CustomerId,
        request: PageRequest,
    ) -> Result<Page<EnrolmentCode>> {
        require_covered(actor.require(Permission::ViewEnrolmentCodes)?, customer)?;
        store::customers::find(&self.db, customer).await?.ok_or(Error::NotFound("customer"))?;
        Ok(store::enrolment_codes::list(&self.db, customer, request).await?.map(EnrolmentCode::from))
    }

    /// Deletes an enrolment code. Agents that registered with it remain.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for another customer's code.
    pub async fn delete_enrolment_code(&self, actor: &Actor, id: EnrolmentCodeId) -> Result<()> {
        let scope = actor.require(Permission::DeleteEnrolmentCode)?;
        let mut work = self.begin(actor).await?;
        let code = store::enrolment_codes::find(&mut work.tx, id).await?;
        let code = code.filter(|code| scope.covers(Some(code.customer_id))).ok_or(Error::NotFound("enrolment code"))?;
        store::enrolment_codes::delete(&mut work.tx, id).await?;
        work.note(Kind::EnrolmentCodeDeleted, Object::EnrolmentCode(code.into()));
        self.commit(work).await
    }
}
