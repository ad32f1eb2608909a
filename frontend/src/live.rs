//! What changes while one looks: one WebSocket per tab, its reconnecting, and the newest state of what is on screen.
//!
//! `protocol`, `backoff` and `board` decide and are pure; `socket`, `feed` and `mirror` do.

mod backoff;
mod board;
mod feed;
mod mirror;
mod protocol;
mod socket;

use crate::api::{
    agents::Agent,
    jobs::Job,
    pipeline_runs::{PipelineRun, RunMark},
    runs::JobRun,
    transfers::Transfer,
};

pub(crate) use self::{
    board::{Admission, Live, Seen},
    feed::{Feed, Link},
    mirror::Mirror,
};

impl Live for Transfer {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }

    fn is_running(&self) -> bool {
        self.status == crate::api::transfers::TransferStatus::Running
    }
}

impl Live for Job {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Live for JobRun {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Live for PipelineRun {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Live for RunMark {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}

impl Live for Agent {
    fn id(&self) -> &str {
        self.id.inner()
    }

    fn revision(&self) -> i32 {
        self.revision
    }
}
