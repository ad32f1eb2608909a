//! The event log: read page by page, followed as it grows, and shown to customers without what only administrators may see.

mod cursor;
mod customer_view;
mod follow;
mod list;

pub use follow::EventLogSubscription;
