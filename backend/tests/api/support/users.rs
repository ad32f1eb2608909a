//! Users with passwords, and actors for calls of the control plane.

use backend::{
    actor::Actor,
    ids::{CustomerId, SessionId, UserId},
    model::account::{CreateUser, Role},
};
use serde_json::json;
use uuid::Uuid;

use super::{Answer, TestApp, app::TestCustomer};

/// The password of every user in the tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A user who can sign in with [`PASSWORD`].
#[derive(Clone, Debug)]
pub(crate) struct TestUser {
    pub(crate) id: UserId,
    pub(crate) email: String,
}

/// An administrator, for calls of the control plane.
pub(crate) const fn admin() -> Actor {
    Actor::Admin { user: UserId(Uuid::nil()), session: SessionId(Uuid::nil()) }
}

/// A user of this customer, for calls of the control plane.
pub(crate) const fn customer_of(customer: &TestCustomer) -> Actor {
    Actor::Customer { user: UserId(Uuid::nil()), session: SessionId(Uuid::nil()), customer: customer.id }
}

impl TestApp {
    /// Creates a user of this customer, or an administrator if there is none.
    pub(crate) async fn create_user(&self, name: &str, customer_id: Option<CustomerId>) -> TestUser {
        let email = format!("{name}@example.com");
        let role = if customer_id.is_some() { Role::Customer } else { Role::Admin };
        let input = CreateUser { email: email.clone(), password: PASSWORD.to_owned(), role, customer_id };
        let user = self.cp().create_user(&Actor::System, input, None).await.expect("a user");
        TestUser { id: user.id, email }
    }

    /// Signs in over REST, and returns the answer.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.anonymous().post("/api/auth/login", &json!({ "email": email, "password": password })).await
    }
}

impl TestUser {
    /// The REST path of the user.
    pub(crate) fn path(&self) -> String {
        format!("/api/users/{}", self.id)
    }
}
