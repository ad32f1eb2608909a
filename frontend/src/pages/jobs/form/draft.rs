//! The edited values of the job form.

use leptos::prelude::*;

use super::field_table::{FIELDS, FormField};
use crate::api::jobs::{CreateJobInput, Job, UpdateJobInput};

/// The edited values: a signal for each field. A handle: copies share the same values.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    pub(super) agent: RwSignal<String>,
    /// The values of [`FIELDS`], in the same order.
    values: [RwSignal<String>; FIELDS.len()],
}

/// A field with its value.
#[derive(Clone, Copy)]
pub(super) struct DraftField {
    pub(super) field: &'static FormField,
    pub(super) value: RwSignal<String>,
    /// The value of the last always shown field before this one, on which [`FormField::only_if`] depends.
    leader: RwSignal<String>,
}

impl DraftField {
    /// Whether the field is shown. Reactive.
    pub(super) fn is_shown(self) -> bool {
        self.field.only_if.is_none_or(|is_met| self.leader.with(|leader| is_met(leader)))
    }
}

impl Draft {
    /// The values for a new job, with common defaults.
    pub(super) fn new(agent: String) -> Self {
        let values = std::array::from_fn(|index| RwSignal::new((FIELDS[index].initial)()));
        Self { agent: RwSignal::new(agent), values }
    }

    /// The values of an existing job.
    pub(super) fn of(job: &Job) -> Self {
        let draft = Self::new(job.agent_id.inner().to_owned());
        for (field, value) in FIELDS.iter().zip(draft.values) {
            if let Some(text) = (field.read)(job) {
                value.set(text);
            }
        }
        draft
    }

    /// All fields but the agent.
    pub(super) fn fields(self) -> impl Iterator<Item = DraftField> {
        let mut leader = self.agent;
        FIELDS.iter().zip(self.values).map(move |(field, value)| {
            if field.only_if.is_none() {
                leader = value;
            }
            DraftField { field, value, leader }
        })
    }

    /// The schedule and its time zone, which are the first fields.
    pub(super) fn schedule(self) -> (RwSignal<String>, RwSignal<String>) {
        let [schedule, timezone, ..] = self.values;
        (schedule, timezone)
    }

    /// The input to create the job; `None` if a required choice has an unknown value, which the controls do not allow.
    pub(super) fn for_create(self) -> Option<CreateJobInput> {
        self.for_update().for_new_job(cynic::Id::new(self.agent.get_untracked()))
    }

    /// The input to change the job.
    pub(super) fn for_update(self) -> UpdateJobInput {
        let mut input = UpdateJobInput::default();
        for (field, value) in FIELDS.iter().zip(self.values) {
            value.with_untracked(|text| (field.write)(&mut input, text));
        }
        input
    }

    /// All values, to see whether they have changed. Reactive.
    pub(super) fn values(self) -> Vec<String> {
        [self.agent].into_iter().chain(self.values).map(|value| value.get()).collect()
    }

    /// The values that could not be sent to the server at all: the name of each field in the API, and what is wrong.
    pub(super) fn problems(self, is_new: bool) -> Vec<(&'static str, &'static str)> {
        let agent = (is_new && self.agent.with_untracked(String::is_empty)).then_some(("agentId", "Choose an agent."));
        let shown = self.fields().filter(|field| untrack(|| field.is_shown()));
        let wrong = shown.filter_map(|DraftField { field, value, .. }| {
            Some((field.key, value.with_untracked(|text| (field.check)(text))?))
        });
        agent.into_iter().chain(wrong).collect()
    }
}
