//! People with passwords, and in whose name a test calls the control plane itself.

use backend::{
    actor::Actor,
    ids::{CustomerId, SessionId, UserId},
    model::account::{CreateUser, Role},
};
use serde_json::json;
use uuid::Uuid;

use super::{Answer, TestApp, app::TestCustomer};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody who can sign in with [`PASSWORD`].
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
}

/// An administrator, for calls of the control plane.
pub(crate) const fn admin() -> Actor {
    Actor::Admin { user: UserId(Uuid::nil()), session: SessionId(Uuid::nil()) }
}

/// Somebody of this customer, for calls of the control plane.
pub(crate) const fn customer_of(customer: &TestCustomer) -> Actor {
    Actor::Customer { user: UserId(Uuid::nil()), session: SessionId(Uuid::nil()), customer: customer.id }
}

impl TestApp {
    /// Somebody who can sign in: of this customer, or an administrator.
    pub(crate) async fn person(&self, name: &str, customer_id: Option<CustomerId>) -> Person {
        let email = format!("{name}@example.com");
        let role = if customer_id.is_some() { Role::Customer } else { Role::Admin };
        let input = CreateUser { email: email.clone(), password: PASSWORD.to_owned(), role, customer_id };
        let user = self.cp().create_user(&Actor::System, input, None).await.expect("a user");
        Person { id: user.id, email }
    }

    /// What comes of signing in over REST.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.anonymous().post("/api/auth/login", &json!({ "email": email, "password": password })).await
    }
}

impl Person {
    /// Where this user is changed.
    pub(crate) fn path(&self) -> String {
        format!("/api/users/{}", self.id)
    }
}
