//! Users, their sessions and their roles.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use super::{
    Instant,
    fields::{Check, Fields, FromFields, boolean, id, one_of, raw_text, text},
    input::input,
};
use crate::ids::{CustomerId, UserId};

/// What a user may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Runs the platform and sees everything.
    Admin,
    /// Sees one customer's fleet.
    Customer,
}

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address, in lower case.
    #[schema(format = "email", example = "ops@acme.example")]
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whose fleet they see; null for administrators.
    #[schema(required)]
    pub customer_id: Option<CustomerId>,
    /// Whether they are shut out.
    pub suspended: bool,
    /// When they were made.
    pub created_at: Instant,
}

fn new_password(value: serde_json::Value) -> Check<String> {
    let password = raw_text(usize::MAX)(value)?;
    check_password(&password).map(|()| password)
}

/// Whether this may become somebody's password.
///
/// # Errors
///
/// A sentence saying what it must be.
pub fn check_password(password: &str) -> Check<()> {
    mftplus_protocol::password::check(password).map_err(ToOwned::to_owned)
}

fn email(value: serde_json::Value) -> Check<String> {
    check_email(&text(3, 254)(value)?)
}

/// An e-mail address in lower case.
///
/// # Errors
///
/// A sentence saying what it must be.
pub fn check_email(text: &str) -> Check<String> {
    let email = text.to_lowercase();
    if is_email(&email) { Ok(email) } else { Err("must be an e-mail address such as ops@example.com".to_owned()) }
}

/// Whether it has the form of an e-mail address, as HTML's `<input type="email">` takes it, with letters of any script;
/// not in the form with quotes, which nobody uses.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_of_name = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let is_label = |label: &str| {
        let is_within = (1..=63).contains(&label.chars().count()) && !label.starts_with('-') && !label.ends_with('-');
        is_within && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !name.is_empty() && name.chars().all(is_of_name) && host.split('.').all(is_label)
}

input! {
    /// What is said to make a user.
    #[derive(Clone, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase")]
    #[schema(example = json!({ "email": "ops@acme.example", "password": "a long passphrase", "role": "admin" }))]
    pub struct CreateUser {
        /// Their e-mail address; one user each, whatever its case.
        #[schema(format = "email", min_length = 3, max_length = 254)]
        email: String = required("email", &[], email),
        /// Their password.
        #[schema(format = "password", min_length = 12, max_length = 1024)]
        password: String = required("password", &[], new_password),
        /// What they may do.
        role: Role = required("role", &[], one_of),
        /// Whose fleet they see: required for role `customer`, absent for `admin`.
        customer_id: Option<CustomerId> = optional("customerId", &[], id::<CustomerId>),
    }
    check(fields) {
        match (role, customer_id) {
            (Some(Role::Customer), Some(None)) => fields.problem("customerId", "is required for the role customer"),
            (Some(Role::Admin), Some(Some(_))) => {
                fields.problem("customerId", "must be left out for the role admin: administrators see every fleet");
            }
            _ => {}
        }
    }
}

input! {
    /// What may change about a user.
    #[derive(Clone, Default, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "suspended": true }))]
    pub struct UpdateUser {
        /// A new password; ends the user's sessions.
        #[schema(nullable = false, format = "password", min_length = 12, max_length = 1024)]
        password: Option<String> = update("password", &[], new_password),
        /// A new role; ends the user's sessions. A customer's user who becomes an administrator belongs to no customer any
        /// more; an administrator cannot become a customer's user, for lack of a customer.
        #[schema(nullable = false)]
        role: Option<Role> = update("role", &[], one_of),
        /// Shut out, which ends the user's sessions, or let in again.
        #[schema(nullable = false)]
        suspended: Option<bool> = update("suspended", &[], boolean),
    }
}

/// What is said to sign in.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(example = json!({ "email": "ops@acme.example", "password": "a long passphrase" }))]
pub struct Login {
    /// The e-mail address, whatever its case.
    pub email: String,
    /// The password.
    #[schema(format = "password")]
    pub password: String,
    /// Give the refresh token as an HttpOnly cookie rather than in the body.
    #[schema(value_type = Option<bool>)]
    pub cookie: bool,
}

impl FromFields for Login {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        // A wrong password is 401 whatever its length: the only bound here is that of the body.
        let email = fields.required("email", &[], raw_text(usize::MAX));
        let password = fields.required("password", &[], raw_text(usize::MAX));
        let cookie = fields.optional("cookie", &[], boolean);
        Some(Self { email: email?.trim().to_lowercase(), password: password?, cookie: cookie?.unwrap_or(false) })
    }
}

/// What is said to renew or end a session.
#[derive(Clone, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "refreshToken": "mft_rt_AZnB8GwAcACAAAAAAAAAAQ" }))]
pub struct RefreshSession {
    /// The refresh token; may be left out when the cookie is sent.
    #[schema(max_length = 1024)]
    pub refresh_token: Option<String>,
    /// Give the new refresh token as an HttpOnly cookie rather than in the body.
    #[schema(value_type = Option<bool>)]
    pub cookie: bool,
}

impl FromFields for RefreshSession {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let refresh_token = fields.optional("refreshToken", &[], raw_text(1024));
        let cookie = fields.optional("cookie", &[], boolean);
        Some(Self { refresh_token: refresh_token?, cookie: cookie?.unwrap_or(false) })
    }
}

/// A session just begun or renewed.
#[derive(Clone, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(name = "Session")]
pub struct SignedIn {
    /// The access token, for `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")]
    pub token: String,
    /// When the access token stops working.
    pub expires_at: Instant,
    /// What renews the session; absent where it was set as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "mft_rt_AZnB8GwAcACAAAAAAAAAAQ")]
    pub refresh_token: Option<String>,
    /// Who signed in.
    pub user: User,
}
