//! The settings of the agent, as text and as values. Imports no other module, so that all may read it.

pub(crate) mod rate;
