//! What the server ordered: the directives, the journal of what was accepted, the queue, and the jobs and steps themselves.

pub(crate) mod copy;
pub(crate) mod directives;
pub(crate) mod executor;
pub(crate) mod item;
pub(crate) mod job;
pub(crate) mod journal;
pub(crate) mod queue;
pub(crate) mod retry;
pub(crate) mod step;
pub(crate) mod task;
