//! The state that the transfers of one process share.

use std::sync::Arc;

use crate::server::context::ServerContext;
use crate::storage::allowed_roots::{AllowedRoots, FileAccess};
use crate::transfer::bandwidth::SharedBandwidth;
use crate::transfer::control::ControlRegistry;
use crate::transfer::report_batcher::ReportBatcher;
use crate::transfer::store::TransferStore;

/// The state files, running copies and reports of one process.
pub(crate) struct TransferContext {
    pub(crate) server: Arc<ServerContext>,
    pub(crate) store: TransferStore,
    /// The running copies and steps of this process.
    pub(crate) controls: ControlRegistry,
    pub(crate) reporter: Arc<ReportBatcher>,
    pub(crate) allowed_roots: AllowedRoots,
    pub(crate) bandwidth: Arc<SharedBandwidth>,
}

impl TransferContext {
    /// The paths that a copy may access. A copy that the server ordered is confined to the allowed roots.
    pub(crate) fn file_access(&self, is_confined: bool) -> FileAccess {
        if is_confined && self.allowed_roots.is_configured() {
            FileAccess::Confined(self.allowed_roots.clone())
        } else {
            FileAccess::Unrestricted
        }
    }
}
