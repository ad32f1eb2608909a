//! Customers and enrolment codes.

use super::{ControlPlane, authenticate::digest};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::{CustomerId, EnrolmentCodeId},
    model::{
        Page, Window,
        customer::{CreateCustomer, CreateEnrolmentCode, Customer, EnrolmentCode, UpdateCustomer},
        event::{Kind, Object},
    },
    store::{self, customers::EnrolmentCodeRow, idempotency::Claim},
};

/// The prefix of enrolment codes.
const CODE_PREFIX: &str = "mft_ec_";
/// The number of leading characters of a key or code that are stored for display.
pub(super) const SHOWN: usize = 12;

impl ControlPlane {
    /// Creates a customer.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn create_customer(
        &self,
        actor: &Actor,
        input: CreateCustomer,
        claim: Option<&Claim>,
    ) -> Result<Customer> {
        actor.require(Permission::CreateCustomer)?;
        let mut work = self.begin(actor).await?;
        let created_at = work.now.into();
        let customer = Customer { id: self.ids.next(work.now), name: input.name, suspended: false, created_at };
        store::customers::insert(&mut work.tx, &customer).await?;
        work.note(Kind::CustomerCreated, Object::Customer(customer.clone()));
        work.complete(claim, &customer).await?;
        self.commit(work).await?;
        Ok(customer)
    }

    /// A page of all customers, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn list_customers(&self, actor: &Actor, window: Window) -> Result<Page<Customer>> {
        actor.require(Permission::ListCustomers)?;
        store::customers::list(&self.db, window).await
    }

    /// The customers with these ids that the caller may see. A user of a customer sees their own one only.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_customers(&self, actor: &Actor, ids: &[CustomerId]) -> Result<Vec<Customer>> {
        let scope = actor.require(Permission::ViewCustomers)?;
        let known: Vec<CustomerId> = ids.iter().copied().filter(|id| scope.covers(Some(*id))).collect();
        store::customers::find_all(&self.db, &known).await
    }

    /// The customer with this id, or the only one with this name.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator, [`Error::NotFound`], [`Error::Conflict`] if several
    /// have the name.
    pub async fn find_customer(&self, actor: &Actor, id_or_name: &str) -> Result<Customer> {
        actor.require(Permission::ListCustomers)?;
        if let Ok(id) = id_or_name.parse() {
            return store::customers::find(&self.db, id).await?.ok_or(Error::NotFound("customer"));
        }
        let mut named = store::customers::named(&self.db, id_or_name).await?;
        match (named.pop(), named.is_empty()) {
            (Some(customer), true) => Ok(customer),
            (Some(_), false) => Err(Error::conflict("several customers have this name: give the id")),
            (None, _) => Err(Error::NotFound("customer")),
        }
    }

    /// Renames or suspends a customer, or ends the suspension.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator (not found for another customer's user),
    /// [`Error::NotFound`].
    pub async fn update_customer(&self, actor: &Actor, id: CustomerId, input: UpdateCustomer) -> Result<Customer> {
        require_covered(actor.scope(), id)?;
        actor.require(Permission::UpdateCustomer)?;
        let mut work = self.begin(actor).await?;
        let before = store::customers::find(&mut work.tx, id).await?;
        let customer = store::customers::update(&mut work.tx, id, &input).await?;
        let customer = customer.ok_or(Error::NotFound("customer"))?;
        if before.as_ref() == Some(&customer) {
            return Ok(customer);
        }
        work.invalidate(Invalidation::Customer(id));
        work.note(Kind::CustomerUpdated, Object::Customer(customer.clone()));
        self.commit(work).await?;
        Ok(customer)
    }

    /// Creates an enrolment code. Only this answer contains the whole code.
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
        store::customers::insert_code(&mut work.tx, &row, &digest(&code), work.now).await?;
        let shown = EnrolmentCode::from(row);
        work.note(Kind::EnrolmentCodeCreated, Object::EnrolmentCode(shown.clone()));
        self.commit(work).await?;
        Ok(EnrolmentCode { code, ..shown })
    }

    /// A page of a customer's enrolment codes, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for another customer.
    pub async fn list_enrolment_codes(
        &self,
        actor: &Actor,
        customer: CustomerId,
        window: Window,
    ) -> Result<Page<EnrolmentCode>> {
        require_covered(actor.require(Permission::ViewEnrolmentCodes)?, customer)?;
        store::customers::find(&self.db, customer).await?.ok_or(Error::NotFound("customer"))?;
        Ok(store::customers::list_codes(&self.db, customer, window).await?.map(EnrolmentCode::from))
    }

    /// Deletes an enrolment code. Agents that registered with it remain.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for another customer's code.
    pub async fn delete_enrolment_code(&self, actor: &Actor, id: EnrolmentCodeId) -> Result<()> {
        let scope = actor.require(Permission::DeleteEnrolmentCode)?;
        let mut work = self.begin(actor).await?;
        let code = store::customers::find_code(&mut work.tx, id).await?;
        let code = code.filter(|code| scope.covers(Some(code.customer_id))).ok_or(Error::NotFound("enrolment code"))?;
        store::customers::delete_code(&mut work.tx, id).await?;
        work.note(Kind::EnrolmentCodeDeleted, Object::EnrolmentCode(code.into()));
        self.commit(work).await
    }
}

/// An error unless the scope covers the customer.
fn require_covered(scope: Scope, customer: CustomerId) -> Result<()> {
    if scope.covers(Some(customer)) { Ok(()) } else { Err(Error::NotFound("customer")) }
}
