//! The server's GraphQL side, typed: one function per operation, fragments checked against `schema.graphql` when
//! compiled. It knows nothing of pages.

pub(crate) mod agents;
pub(crate) mod customers;
pub(crate) mod definitions;
pub(crate) mod enrolment_codes;
mod error;
pub(crate) mod events;
pub(crate) mod fleet;
pub(crate) mod http;
pub(crate) mod job_runs;
pub(crate) mod jobs;
pub(crate) mod me;
pub(crate) mod pipeline_runs;
pub(crate) mod pipelines;
pub(crate) mod plan;
mod request;
mod response;
mod scalars;
pub(crate) mod slots;
pub(crate) mod transfers;
pub(crate) mod users;
pub(crate) mod webhooks;

use cynic::Id;

pub(crate) use self::{error::ApiError, request::Request};

/// How many rows a page of a list has.
pub(crate) const PAGE_SIZE: i32 = 20;

#[cynic::schema("mftplus")]
pub(crate) mod schema {}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// How many there are in all.
    pub(crate) total: i32,
    /// Whether counting stopped there.
    pub(crate) total_is_at_least: bool,
}

impl<T> Page<T> {
    /// The same page with other rows.
    pub(crate) fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, total, total_is_at_least } = self;
        Page { items: items.into_iter().map(turn).collect(), total, total_is_at_least }
    }
}

/// How many rows a list has in all, and whether counting stopped there.
pub(crate) type Total = (i32, bool);

/// An object by its id.
#[derive(cynic::QueryVariables)]
pub(crate) struct ById {
    id: Id,
}

impl ById {
    fn new(id: &str) -> Self {
        Self { id: Id::new(id) }
    }
}
