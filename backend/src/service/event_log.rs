//! The event log: reading it page by page, subscribing to new events, and hiding from customers what only
//! administrators may see.

mod cursor;
mod customer_view;
mod follow;
mod list;

pub use follow::EventLogSubscription;
