//! The values of the job form.

use leptos::prelude::*;
use mftplus_protocol::wire;

use super::{file_copy_rules::RulesDraft, problems::is_duration};
use crate::{
    api::{
        jobs::{CreateJobInput, Job, RetryInput, UpdateJobInput},
        scalars::Duration,
    },
    browser,
    labels::{
        DIRECTIONS, PROTOCOLS,
        jobs::{CATCH_UPS, OVERLAPS},
        name_of, value_of,
    },
};

/// A signal for each field. A handle: copies are the same draft.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    pub(super) agent: RwSignal<String>,
    pub(super) name: RwSignal<String>,
    pub(super) source: RwSignal<String>,
    pub(super) destination: RwSignal<String>,
    pub(super) protocol: RwSignal<String>,
    pub(super) direction: RwSignal<String>,
    pub(super) rules: RulesDraft,
    pub(super) schedule: RwSignal<String>,
    pub(super) timezone: RwSignal<String>,
    pub(super) overlap: RwSignal<String>,
    pub(super) catch_up: RwSignal<String>,
    /// The maximum number of attempts; with 1, the three fields below are unused.
    pub(super) attempts: RwSignal<String>,
    pub(super) initial_delay: RwSignal<String>,
    pub(super) factor: RwSignal<String>,
    pub(super) max_delay: RwSignal<String>,
}

impl Draft {
    /// The draft of a new job with common defaults.
    pub(super) fn new(agent: String) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            agent: RwSignal::new(agent),
            name: text(""),
            source: text(""),
            destination: text(""),
            protocol: text(wire::Protocol::Local.as_str()),
            direction: text(wire::Direction::Push.as_str()),
            rules: RulesDraft::new(),
            schedule: text("0 2 * * *"),
            timezone: RwSignal::new(browser::time_zone()),
            overlap: text("skip"),
            catch_up: text("last"),
            attempts: text("1"),
            initial_delay: text("30s"),
            factor: text("2"),
            max_delay: text("1h"),
        }
    }

    /// The draft of an existing job.
    pub(super) fn of(job: &Job) -> Self {
        let draft = Self::new(job.agent_id.inner().to_owned());
        draft.name.set(job.name.clone());
        draft.source.set(job.source.clone());
        draft.destination.set(job.destination.clone());
        draft.protocol.set(name_of(&PROTOCOLS, &job.protocol).to_owned());
        draft.direction.set(name_of(&DIRECTIONS, &job.direction).to_owned());
        draft.rules.read(job);
        draft.schedule.set(job.schedule.clone());
        draft.timezone.set(job.timezone.clone());
        draft.overlap.set(name_of(&OVERLAPS, &job.overlap).to_owned());
        draft.catch_up.set(name_of(&CATCH_UPS, &job.catch_up).to_owned());
        if let Some(retry) = &job.retry {
            draft.attempts.set(retry.max_attempts.to_string());
            draft.initial_delay.set(retry.initial_delay.0.clone());
            draft.factor.set(browser::number_text(retry.factor));
            draft.max_delay.set(retry.max_delay.0.clone());
        }
        draft
    }

    /// The input to create the job.
    pub(super) fn for_create(self) -> CreateJobInput {
        let UpdateJobInput {
            name,
            source,
            destination,
            schedule,
            timezone,
            protocol,
            direction,
            overlap,
            catch_up,
            retry,
            credentials,
            endpoint,
            on_exists,
            after_success,
            preserve,
            on_file_error,
            symlinks,
            verify,
        } = self.for_update();
        CreateJobInput {
            agent_id: cynic::Id::new(self.agent.get_untracked()),
            name: name.unwrap_or_default(),
            source: source.unwrap_or_default(),
            destination: destination.unwrap_or_default(),
            schedule: schedule.unwrap_or_default(),
            timezone,
            protocol: protocol.unwrap_or(crate::api::transfers::Protocol::Local),
            direction: direction.unwrap_or(crate::api::transfers::Direction::Push),
            overlap,
            catch_up,
            retry,
            credentials,
            endpoint,
            on_exists,
            after_success,
            preserve,
            on_file_error,
            symlinks,
            verify,
        }
    }

    /// The input to change the job.
    pub(super) fn for_update(self) -> UpdateJobInput {
        let text = |field: RwSignal<String>| Some(field.get_untracked().trim().to_owned());
        let mut input = UpdateJobInput {
            name: text(self.name),
            source: text(self.source),
            destination: text(self.destination),
            schedule: text(self.schedule),
            timezone: text(self.timezone),
            protocol: value_of(&PROTOCOLS, &self.protocol.get_untracked()),
            direction: value_of(&DIRECTIONS, &self.direction.get_untracked()),
            overlap: value_of(&OVERLAPS, &self.overlap.get_untracked()),
            catch_up: value_of(&CATCH_UPS, &self.catch_up.get_untracked()),
            retry: self.retry(),
            credentials: None,
            endpoint: None,
            on_exists: None,
            after_success: None,
            preserve: None,
            on_file_error: None,
            symlinks: None,
            verify: None,
        };
        self.rules.write(&mut input);
        input
    }

    /// All values, to see whether they have changed. Reactive.
    pub(super) fn values(self) -> Vec<String> {
        let own = [
            self.agent,
            self.name,
            self.source,
            self.destination,
            self.protocol,
            self.direction,
            self.schedule,
            self.timezone,
            self.overlap,
            self.catch_up,
            self.attempts,
            self.initial_delay,
            self.factor,
            self.max_delay,
        ];
        own.into_iter().map(|field| field.get()).chain(self.rules.values()).collect()
    }

    /// Values that the server cannot read at all: the name of each field in the API, and what is wrong.
    pub(super) fn problems(self, is_new: bool) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        if is_new && self.agent.with_untracked(String::is_empty) {
            problems.push(("agentId", "Choose an agent."));
        }
        if self.max_attempts().is_some() {
            for (name, field) in [("initialDelay", self.initial_delay), ("maxDelay", self.max_delay)] {
                if !field.with_untracked(|text| is_duration(text)) {
                    problems.push((name, "Must be a duration such as 30s, 5m or 1h30m."));
                }
            }
            if browser::number(&self.factor.get_untracked()).is_none() {
                problems.push(("factor", "Must be a number from 1 to 100."));
            }
        }
        problems
    }

    /// The maximum number of attempts, if there is more than one.
    fn max_attempts(self) -> Option<i32> {
        browser::whole_number(&self.attempts.get_untracked()).filter(|most| *most > 1)
    }

    fn retry(self) -> Option<RetryInput> {
        let max_attempts = self.max_attempts()?;
        let duration = |field: RwSignal<String>| Some(Duration(field.get_untracked().trim().to_owned()));
        Some(RetryInput {
            max_attempts,
            initial_delay: duration(self.initial_delay),
            factor: browser::number(&self.factor.get_untracked()),
            max_delay: duration(self.max_delay),
        })
    }
}
