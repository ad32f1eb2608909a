//! Typed GraphQL operations: one function per operation. The compiler checks the fragments against `schema.graphql`.

pub(crate) mod agent_page;
pub(crate) mod agents;
pub(crate) mod attention;
pub(crate) mod attention_alerts;
pub(crate) mod backfill;
pub(crate) mod coming_runs;
pub(crate) mod copy_rules;
pub(crate) mod customers;
pub(crate) mod definition_dry_run_and_schema;
pub(crate) mod enrolment_codes;
mod error;
pub(crate) mod events;
pub(crate) mod fleet;
pub(crate) mod http;
pub(crate) mod job_runs;
pub(crate) mod jobs;
pub(crate) mod my_customer_name;
pub(crate) mod object_search;
pub(crate) mod pipeline_plan;
pub(crate) mod pipeline_runs;
pub(crate) mod pipeline_versions;
pub(crate) mod pipelines;
mod response;
pub(crate) mod run_log;
pub(crate) mod samples;
pub(crate) mod saved_views;
pub(crate) mod scalars;
pub(crate) mod schedule_preview;
pub(crate) mod scheduled_sort;
mod schema_enum;
mod serialized_request;
pub(crate) mod series;
pub(crate) mod slots;
pub(crate) mod transfer_counts;
pub(crate) mod transfers;
pub(crate) mod users;
pub(crate) mod webhook_secret;

use cynic::Id;

pub(crate) use self::{
    error::{ApiError, sentence},
    serialized_request::Request,
};

/// Rows per page of a list whose number of rows cannot be chosen.
pub(crate) const PAGE_SIZE: i32 = 20;

#[cynic::schema("mftplus")]
pub(crate) mod schema {}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Number of rows on all pages.
    pub(crate) total: i32,
    /// Whether there may be more rows than `total`, because the server stopped counting at a limit.
    pub(crate) total_is_at_least: bool,
}

impl<T> Page<T> {
    /// The total of the list as a [`Total`].
    pub(crate) fn counted(&self) -> Total {
        (self.total, self.total_is_at_least)
    }

    /// The page with converted rows.
    pub(crate) fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, total, total_is_at_least } = self;
        Page { items: items.into_iter().map(convert).collect(), total, total_is_at_least }
    }
}

/// The result for one object of an operation that changes several objects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ItemResult {
    pub(crate) id: String,
    /// Why the object was not changed; `None` if it was.
    pub(crate) error: Option<String>,
}

/// The number of rows of a list, and whether the server stopped counting at this number, so that there may be more.
pub(crate) type Total = (i32, bool);

/// The variables of an operation on one object.
#[derive(cynic::QueryVariables)]
pub(crate) struct ById {
    id: Id,
}

impl ById {
    fn new(id: &str) -> Self {
        Self { id: Id::new(id) }
    }
}
