//! Customers: creation, lists, names and suspension.

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::CustomerId,
    model::{
        Page, PageRequest,
        customer::{CreateCustomer, Customer, UpdateCustomer},
        event::{Kind, Object},
    },
    store::{self, idempotency::IdempotencyClaim},
};

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
        claim: Option<&IdempotencyClaim>,
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

    /// Returns a page of all customers, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn list_customers(&self, actor: &Actor, request: PageRequest) -> Result<Page<Customer>> {
        actor.require(Permission::ListCustomers)?;
        store::customers::list(&self.db, request).await
    }

    /// Returns the customers with these ids that the caller may see. A user of a customer sees that customer only.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_customers(&self, actor: &Actor, ids: &[CustomerId]) -> Result<Vec<Customer>> {
        let scope = actor.require(Permission::ViewCustomers)?;
        let known: Vec<CustomerId> = ids.iter().copied().filter(|id| scope.covers(Some(*id))).collect();
        store::customers::find_all(&self.db, &known).await
    }

    /// Returns the customer with this id or this name.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator, [`Error::NotFound`] if there is no such customer,
    /// [`Error::Conflict`] if several customers have the name.
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
    /// [`Error::Forbidden`] unless the caller is an administrator; [`Error::NotFound`] if there is no such customer,
    /// and for users of another customer.
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
}

/// Returns [`Error::NotFound`] unless the scope covers the customer.
pub(super) fn require_covered(scope: Scope, customer: CustomerId) -> Result<()> {
    if scope.covers(Some(customer)) { Ok(()) } else { Err(Error::NotFound("customer")) }
}
