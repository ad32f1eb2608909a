//! Users, their sessions and their roles.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    enum_macro::server_enum,
    field_reader::{Check, Fields, FromFields, boolean, id, one_of, raw_text, text},
    input_macro::input,
};
use crate::ids::{CustomerId, UserId};

mftplus_protocol::contract_enum!(Role, server_enum);

/// A user, who signs in with an e-mail address and a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct User {
    /// Id of the user.
    pub id: UserId,
    /// E-mail address in lower case.
    #[schema(format = "email", example = "ops@acme.example")]
    pub email: String,
    /// Role of the user.
    pub role: Role,
    /// Customer of the user; null for administrators.
    #[schema(required)]
    pub customer_id: Option<CustomerId>,
    /// Whether the user is suspended and cannot sign in.
    pub suspended: bool,
    /// Time at which the user was created.
    pub created_at: Instant,
}

/// Selects users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, IntoParams, async_graphql::InputObject)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Users of this customer.
    pub customer_id: Option<CustomerId>,
}

impl FromFields for UserFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { customer_id: fields.optional("customerId", &[], id::<CustomerId>)? })
    }
}

fn new_password(value: serde_json::Value) -> Check<String> {
    let password = raw_text(usize::MAX)(value)?;
    check_password(&password).map(|()| password)
}

/// Checks a new password by the rule for passwords.
///
/// # Errors
///
/// A message that says what the password must be.
pub fn check_password(password: &str) -> Check<()> {
    mftplus_protocol::password::check(password).map_err(ToOwned::to_owned)
}

fn email(value: serde_json::Value) -> Check<String> {
    check_email(&text(3, 254)(value)?)
}

/// Reads an e-mail address and converts it to lower case.
///
/// # Errors
///
/// A message that says what the address must be.
pub fn check_email(text: &str) -> Check<String> {
    let email = text.to_lowercase();
    if is_email(&email) { Ok(email) } else { Err("must be an e-mail address such as ops@example.com".to_owned()) }
}

/// Whether a text has the form of an e-mail address: the form that HTML's `<input type="email">` accepts, with letters
/// of any script, and without quoted local parts.
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
    /// Input for creating a user.
    #[derive(Clone, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase")]
    #[schema(example = json!({ "email": "ops@acme.example", "password": "a long passphrase", "role": "admin" }))]
    pub struct CreateUser {
        /// E-mail address of the user. Two users cannot have the same address; case is ignored.
        #[schema(format = "email", min_length = 3, max_length = 254)]
        email: String = required("email", &[], email),
        /// Password of the user.
        #[schema(format = "password", min_length = 12, max_length = 1024)]
        password: String = required("password", &[], new_password),
        /// Role of the user.
        role: Role = required("role", &[], one_of),
        /// Customer of the user. Required for the role `customer`, not allowed for `admin`.
        customer_id: Option<CustomerId> = optional("customerId", &[], id::<CustomerId>),
    }
    check(fields, read) {
        match (read.role, read.customer_id) {
            (Some(Role::Customer), Some(None)) => fields.problem("customerId", "is required for the role customer"),
            (Some(Role::Admin), Some(Some(_))) => {
                fields.problem("customerId", "must be omitted for the role admin: administrators see all customers");
            }
            _ => {}
        }
    }
}

input! {
    /// Changes to a user. Omitted fields keep their values.
    #[derive(Clone, Default, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "suspended": true }))]
    pub struct UpdateUser {
        /// New password. The user's sessions end.
        #[schema(nullable = false, format = "password", min_length = 12, max_length = 1024)]
        password: Option<String> = update("password", &[], new_password),
        /// New role. The user's sessions end. A user who becomes an administrator no longer belongs to a customer. An
        /// administrator cannot become a customer's user, because the administrator has no customer.
        #[schema(nullable = false)]
        role: Option<Role> = update("role", &[], one_of),
        /// `true` suspends the user and ends the user's sessions. `false` ends the suspension.
        #[schema(nullable = false)]
        suspended: Option<bool> = update("suspended", &[], boolean),
    }
}

/// Credentials for signing in.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(example = json!({ "email": "ops@acme.example", "password": "a long passphrase" }))]
pub struct Login {
    /// E-mail address. Case is ignored.
    pub email: String,
    /// Password.
    #[schema(format = "password")]
    pub password: String,
    /// Whether to send the refresh token as an HttpOnly cookie instead of in the body.
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

/// Input for renewing or ending a session.
#[derive(Clone, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "refreshToken": "mft_rt_AZnB8GwAcACAAAAAAAAAAQ" }))]
pub struct RefreshSession {
    /// Refresh token. May be omitted if the cookie is sent.
    #[schema(max_length = 1024)]
    pub refresh_token: Option<String>,
    /// Whether to send the new refresh token as an HttpOnly cookie instead of in the body.
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

/// A new or renewed session.
#[derive(Clone, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(name = "Session")]
pub struct SignedIn {
    /// Access token, for the header `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")]
    pub token: String,
    /// Time at which the access token expires.
    pub expires_at: Instant,
    /// Refresh token, which renews the session. Not returned if it was set as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "mft_rt_AZnB8GwAcACAAAAAAAAAAQ")]
    pub refresh_token: Option<String>,
    /// User who signed in.
    pub user: User,
}
