//! Live updates: one WebSocket per tab, its reconnects, and the newest state of the objects on screen.
//!
//! `protocol`, `reconnect`, `revisioned`, `list_state` and `early_updates` are pure; `socket`, `reconnecting_socket` and `live_list` have effects.

mod early_updates;
mod list_state;
mod live_list;
mod protocol;
mod reconnect;
mod reconnecting_socket;
mod revisioned;
mod socket;

use crate::api::{
    agents::{Agent, AgentStatus},
    attention::AttentionItem,
    job_runs::JobRun,
    jobs::Job,
    pipeline_runs::{PipelineRun, RunMark},
    transfers::Transfer,
};

pub(crate) use self::{
    list_state::{Admission, Entry},
    live_list::LiveList,
    reconnecting_socket::{ConnectionState, Feed},
    revisioned::Revisioned,
};

impl Revisioned for Transfer {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }

    fn is_running(&self) -> bool {
        self.status == crate::api::transfers::TransferStatus::Running
    }

    fn comes_first(&self) -> bool {
        self.stalled
    }
}

impl Revisioned for Job {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Revisioned for JobRun {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Revisioned for PipelineRun {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Revisioned for RunMark {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Revisioned for Agent {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }

    fn comes_first(&self) -> bool {
        matches!(self.status, AgentStatus::Offline | AgentStatus::Error)
    }
}

/// Items have no revision, so it is always 0. Older items are ignored before they get here, by the time at which they
/// were computed.
impl Revisioned for AttentionItem {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        0
    }
}
