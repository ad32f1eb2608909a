//! Users: list, create, update.

use cynic::{Id, MutationBuilder, QueryBuilder};

use super::{Page, Request, customers::CustomerName, schema, schema_enum::schema_enum};
use crate::time::Instant;

mftplus_protocol::contract_enum!(Role, schema_enum);

/// A user.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) customer_id: Option<Id>,
    pub(crate) customer: Option<CustomerName>,
    pub(crate) suspended: bool,
    pub(crate) created_at: Instant,
}

/// A filter of users.
#[derive(cynic::InputObject)]
struct UserFilter {
    customer_id: Id,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    filter: Option<UserFilter>,
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListUsers {
    #[arguments(filter: $filter, first: $first, page: $page)]
    users: UserConnection,
}

#[derive(cynic::QueryFragment)]
struct UserConnection {
    nodes: Vec<User>,
    total_count: i32,
    total_is_at_least: bool,
}

/// A new user.
#[derive(cynic::InputObject)]
#[cynic(graphql_type = "CreateUserInput")]
pub(crate) struct CreateUser {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) role: Role,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_id: Option<Id>,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables {
    input: CreateUser,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct CreatedUser {
    #[arguments(input: $input)]
    create_user: User,
}

/// Changes to a user. A field with `None` is not changed.
#[derive(Default, cynic::InputObject)]
#[cynic(graphql_type = "UpdateUserInput")]
pub(crate) struct UpdateUser {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) suspended: Option<bool>,
}

#[derive(cynic::QueryVariables)]
struct UpdateVariables {
    id: Id,
    input: UpdateUser,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateVariables")]
struct UpdatedUser {
    #[arguments(id: $id, input: $input)]
    update_user: User,
}

/// One page of the users, newest first, with up to 100 rows.
pub(crate) fn list(first: i32, page: i32) -> Request<Page<User>> {
    list_filtered(ListVariables { filter: None, first, page })
}

/// The newest users of a customer, at most 100.
pub(crate) fn list_of_customer(customer: &str, first: i32) -> Request<Page<User>> {
    list_filtered(ListVariables { filter: Some(UserFilter { customer_id: Id::new(customer) }), first, page: 1 })
}

fn list_filtered(variables: ListVariables) -> Request<Page<User>> {
    Request::new(&ListUsers::build(variables), |ListUsers { users: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Creates a user.
pub(crate) fn create(input: CreateUser) -> Request<User> {
    Request::new(&CreatedUser::build(CreateVariables { input }), |created| Ok(created.create_user))
}

/// Changes a user.
pub(crate) fn update(id: &str, input: UpdateUser) -> Request<User> {
    let variables = UpdateVariables { id: Id::new(id), input };
    Request::new(&UpdatedUser::build(variables), |updated| Ok(updated.update_user))
}
