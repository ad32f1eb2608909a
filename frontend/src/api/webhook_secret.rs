//! The secret that signs webhooks: rotate.

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

/// Creates a new webhook secret, which replaces the old one. It is the secret of the given customer; without one, that
/// of the user's own customer or, for administrators, of the platform.
pub(crate) fn rotate_secret(customer_id: Option<Id>) -> Request<String> {
    let operation = RotateSecret::build(RotateVariables { customer_id });
    Request::new(&operation, |rotated| Ok(rotated.rotate_webhook_secret.secret))
}
