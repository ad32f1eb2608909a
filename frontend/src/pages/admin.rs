//! The pages of the administration: customers with their enrolment codes, and users.

mod customer;
mod customer_agents;
mod customer_users;
mod customers;
mod enrolment_codes_card;
mod user_forms;
mod users;

pub(crate) use self::{customer::CustomerPage, customers::Customers, users::Users};
