//! Reads the versions of dependencies from Cargo.lock.

use std::fs;

use crate::failure::{Context, Result};
use crate::files;

/// The version of `package` in Cargo.lock. Fails if Cargo.lock does not name the package.
pub(crate) fn version(package: &str) -> Result<String> {
    let path = files::root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).context(format_args!("cannot read {}", path.display()))?;
    version_in(&lock, package).ok_or_else(|| format!("Cargo.lock names no {package}").into())
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_lock() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "wasm"), None);
    }
}
