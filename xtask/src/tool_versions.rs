//! The versions of tools that no lock file pins.

/// The oldest PostgreSQL that the product supports; Debian 12 has it.
pub(crate) const POSTGRES: u32 = 15;

/// The oldest Node.js that runs the tests. Debian 12 has 18.
pub(crate) const NODE: u32 = 20;

/// The minor version of the oldest Python 3 that runs the third-party clients: 3.10. Debian 12 has 3.11.
pub(crate) const PYTHON: u32 = 10;

/// The version of Node.js that is installed from npm if that of the machine is too old.
pub(crate) const NODE_FROM_NPM: &str = "22.23.3";

/// The newest version of Trunk that the workspace's version of Rust can compile.
pub(crate) const TRUNK: &str = "0.21.14";

/// The version of the program that splits the dashboard's WebAssembly into chunks. It must match the version of
/// `wasm_split_helpers` in Cargo.lock.
pub(crate) const WASM_SPLIT: &str = "0.2.4";

/// The version of cargo-about, which collects the licences of the dependencies.
pub(crate) const CARGO_ABOUT: &str = "0.9.1";

/// The version of mdBook, which builds `docs/` as a book.
pub(crate) const MDBOOK: &str = "0.5.3";

/// The oldest wasm-opt that is known not to merge the tables of wasm-bindgen. Debian 12 has 108, whose output does not
/// start in browsers.
pub(crate) const WASM_OPT: u32 = 132;

/// The version of Binaryen that is installed from npm if that of the machine is too old.
pub(crate) const BINARYEN_FROM_NPM: &str = "132.0.0";
