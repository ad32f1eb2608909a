//! Installs the tools that build the dashboard: the WebAssembly target of Rust, Trunk and wasm-bindgen. Release builds
//! are also split and optimised with wasm-split-cli, wasm-merge and wasm-opt.

use crate::cargo_lock;
use crate::cargo_tools::{self, CargoTool};
use crate::failure::Result;
use crate::node;
use crate::process::output;
use crate::stop_request::Stop;
use crate::tool_versions::{BINARYEN_FROM_NPM, TRUNK, WASM_OPT, WASM_SPLIT};
use crate::tools::{self, Tool};

const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the tools of every build of the dashboard are installed.
pub(crate) fn ensure(stop: &Stop) -> Result<()> {
    tools::ensure_target(TARGET, stop)?;
    let bindgen = cargo_lock::version("wasm-bindgen")?;
    let crates = [
        // Debug builds compile in half the time, and are fast enough for the dashboard.
        CargoTool {
            package: "trunk",
            program: "trunk",
            version: TRUNK.to_owned(),
            // Trunk runs offline, so it needs neither TLS nor the check for updates.
            flags: &["--locked", "--debug", "--no-default-features"],
        },
        CargoTool { package: "wasm-bindgen-cli", program: "wasm-bindgen", version: bindgen, flags: &["--debug"] },
    ];
    crates.iter().try_for_each(|tool| tool.ensure(stop))
}

/// Makes sure that the additional tools of a release build are installed.
pub(crate) fn ensure_splitter(stop: &Stop) -> Result<()> {
    let splitter = CargoTool {
        package: "wasm_split_cli_support",
        program: "wasm-split-cli",
        version: WASM_SPLIT.to_owned(),
        flags: &["--locked", "--debug", "--features=build-binary"],
    };
    splitter.ensure(stop)?;
    ensure_binaryen(stop)
}

/// Makes sure that Binaryen is installed, which contains wasm-opt and wasm-merge.
fn ensure_binaryen(stop: &Stop) -> Result<()> {
    let is_installed = |program: &str| {
        let version = cargo_tools::find(program).and_then(|path| output(node::command(&path).arg("--version")).ok());
        version.as_deref().and_then(tools::major).is_some_and(|version| version >= WASM_OPT)
    };
    if is_installed("wasm-opt") && is_installed("wasm-merge") {
        return Ok(());
    }
    println!("xtask: no wasm-opt and wasm-merge {WASM_OPT} or newer found; installing {BINARYEN_FROM_NPM} from npm");
    tools::ensure(&[Tool::Node], stop)?;
    node::ensure(stop)?;
    node::install(&format!("binaryen@{BINARYEN_FROM_NPM}"), stop)
}
