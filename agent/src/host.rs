//! The machine that the agent runs on.

use sysinfo::System;

/// The operating system, with its name in the REST API.
pub(crate) fn os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "windows",
        _ => "linux",
    }
}

/// The host name; `None` if the system has none.
pub(crate) fn hostname() -> Option<String> {
    System::host_name().ok().filter(|name| !name.is_empty())
}

/// Load and memory of the machine, each `None` if the system does not provide it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HostMetrics {
    /// Load average of the last minute.
    pub(crate) load: Option<f64>,
    /// Memory in use, in MB.
    pub(crate) memory: Option<u64>,
}

/// Measures load and memory.
pub(crate) fn host_metrics() -> HostMetrics {
    let load = System::load_average().ok().map(|load| load.one);
    let memory = System::new().ok().map(|mut system| {
        system.refresh_memory();
        system.used_memory() / 1_048_576
    });
    HostMetrics { load: load.filter(|load| load.is_finite() && *load >= 0.0), memory }
}
