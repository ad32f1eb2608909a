//! Administration: customers with their enrolment codes, and users.

mod codes;
mod customer;
mod customers;
mod user_forms;
mod users;

pub(crate) use self::{customer::CustomerPage, customers::Customers, users::Users};
