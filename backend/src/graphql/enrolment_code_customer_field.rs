//! The GraphQL field that loads the customer of an enrolment code.

use async_graphql::{ComplexObject, Context};

use super::context::loader;
use crate::model::{customer::Customer, enrolment_code::EnrolmentCode};

#[ComplexObject]
impl EnrolmentCode {
    /// The customer whose agents register with this code.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }
}
