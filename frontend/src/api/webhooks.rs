//! The secret that webhooks are signed with.

use cynic::{Id, MutationBuilder};

use super::{Request, schema};

#[derive(cynic::QueryVariables)]
struct RotateVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    customer_id: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RotateVariables")]
struct RotateSecret {
    #[arguments(customerId: $customer_id)]
    rotate_webhook_secret: WebhookSecret,
}

#[derive(cynic::QueryFragment)]
struct WebhookSecret {
    secret: String,
}

/// Makes a new secret: of that customer, else the caller's own, or the platform's for administrators. The old one ends.
pub(crate) fn rotate_secret(customer_id: Option<Id>) -> Request<String> {
    let operation = RotateSecret::build(RotateVariables { customer_id });
    Request::new(&operation, |rotated| Ok(rotated.rotate_webhook_secret.secret))
}
