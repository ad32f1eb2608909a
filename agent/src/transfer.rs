//! Transfers: one copy from its plan to the published file, with its stored state and its reports.

pub(crate) mod bandwidth;
pub(crate) mod bounded_messages;
pub(crate) mod checksum;
pub(crate) mod claimed_state_files;
pub(crate) mod context;
pub(crate) mod control;
pub(crate) mod copy_rules;
pub(crate) mod create_on_server;
pub(crate) mod error;
pub(crate) mod local_copy;
pub(crate) mod part_lock;
pub(crate) mod publish;
pub(crate) mod report_batcher;
pub(crate) mod run_transfer;
pub(crate) mod source_entries;
pub(crate) mod state;
pub(crate) mod storage_copy;
