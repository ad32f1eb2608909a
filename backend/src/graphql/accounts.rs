//! What users and enrolment codes link to.

use async_graphql::{ComplexObject, Context};

use super::context::loader;
use crate::model::{account::User, customer::Customer, enrolment_code::EnrolmentCode};

#[ComplexObject]
impl User {
    /// The customer of the user; null for an administrator.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        match self.customer_id {
            Some(customer) => Ok(loader(ctx)?.load_one(customer).await?),
            None => Ok(None),
        }
    }
}

#[ComplexObject]
impl EnrolmentCode {
    /// The customer whose agents register with this code.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }
}
