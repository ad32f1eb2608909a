//! The domain: the objects as clients see them, the inputs, and the rules that need no I/O.
//!
//! A struct of this module is the body of a REST answer, the object of an event and a GraphQL object. This module has
//! no access to a database, a clock or a transport.

pub mod account;
pub mod agent;
pub mod agent_detail;
pub mod agent_instances;
pub mod attention;
pub mod certificate;
pub mod copy_rules;
pub mod customer;
pub mod definition;
pub mod directive;
pub mod duration;
pub mod enrolment_code;
mod enum_macro;
pub mod event;
pub mod field_reader;
pub mod fleet;
pub mod heartbeat_history;
mod input_macro;
pub mod job;
pub mod job_and_pipeline_order;
pub mod line_diff;
mod packed_numbers;
pub mod page;
pub mod pipeline;
pub mod redaction;
pub mod reported_value_limits;
pub mod retry;
pub mod saved_view;
pub mod scalar;
pub mod schedule;
pub mod series;
mod sort_order;
pub mod transfer;
pub mod webhook_secret;

pub use field_reader::{Fields, FromFields};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, OffsetPageRequest, Page, PageRequest, PageStart, Pagination, Total};
pub use scalar::Instant;
