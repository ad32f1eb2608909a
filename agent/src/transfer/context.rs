//! The state that the transfers of one process share.

use std::sync::{Arc, PoisonError, RwLock};

use crate::server::context::ServerContext;
use crate::storage::allowed_roots::{AllowedRoots, FileAccess};
use crate::storage::open::Connect;
use crate::transfer::bandwidth::SharedBandwidth;
use crate::transfer::claimed_state_files::TransferStore;
use crate::transfer::control::ControlRegistry;
use crate::transfer::report_batcher::ReportBatcher;

/// What the transfers of one process share: connection to the server, state files, running copies, reports and limits.
pub(crate) struct TransferContext {
    pub(crate) server: Arc<ServerContext>,
    pub(crate) store: TransferStore,
    /// The running copies and steps of this process.
    pub(crate) controls: ControlRegistry,
    pub(crate) reporter: Arc<ReportBatcher>,
    allowed_roots: RwLock<AllowedRoots>,
    pub(crate) bandwidth: Arc<SharedBandwidth>,
    pub(crate) servers: Arc<dyn Connect>,
}

impl TransferContext {
    pub(crate) fn new(
        server: Arc<ServerContext>,
        store: TransferStore,
        allowed_roots: AllowedRoots,
        servers: Arc<dyn Connect>,
    ) -> Self {
        Self {
            server,
            store,
            controls: ControlRegistry::default(),
            reporter: Arc::default(),
            allowed_roots: RwLock::new(allowed_roots),
            bandwidth: Arc::default(),
            servers,
        }
    }

    /// The current allowed folders.
    pub(crate) fn allowed_roots(&self) -> AllowedRoots {
        self.allowed_roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the allowed folders. Work that has started already is not affected.
    pub(crate) fn set_allowed_roots(&self, allowed_roots: AllowedRoots) {
        *self.allowed_roots.write().unwrap_or_else(PoisonError::into_inner) = allowed_roots;
    }

    /// The paths that a copy may access. A copy that the server requested (`is_confined`) is confined to the allowed
    /// folders, if any are configured.
    pub(crate) fn file_access(&self, is_confined: bool) -> FileAccess {
        let allowed_roots = self.allowed_roots();
        if is_confined && allowed_roots.is_configured() {
            FileAccess::Confined(allowed_roots)
        } else {
            FileAccess::Unrestricted
        }
    }
}
