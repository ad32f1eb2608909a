//! The dashboard: built by Trunk, compressed, and weighed, unless nothing has changed since.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use brotli::enc::BrotliEncoderParams;

use crate::failure::{Context, Failure, Result};
use crate::files::{self, relative};
use crate::process::{self, output};
use crate::stop::Stop;
use crate::tools::cargo;
use crate::versions::TRUNK;
use crate::wasm;

/// How much a first visit may load, in bytes: everything that counts, compressed.
const BUDGET: u64 = 300_000;
/// The kinds of files that count, and are compressed.
const KINDS: [&str; 4] = ["html", "css", "js", "wasm"];

/// What the dashboard is made from.
const SOURCES: [&str; 6] =
    ["frontend", "schema.graphql", "Cargo.lock", "Cargo.toml", ".cargo/config.toml", "Trunk.toml"];
/// In the folder that Trunk makes anew each time: the digest of what it was made from.
const STAMP: &str = ".made-from";

/// What becomes of a dashboard over its budget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// It is said, and the build goes on: whoever only wants to run the product is not kept from it.
    Told,
    /// The build fails.
    Refused,
}

/// Makes sure that `frontend/dist` is what the sources say, with `name.br` beside every file that is worth it.
pub(crate) fn build(stop: &Stop, excess: Excess) -> Result<()> {
    let (root, dist) = (files::root(), files::root().join("frontend/dist"));
    let digest = digest(&root)?;
    if files::read_line(&dist.join(STAMP))?.is_some_and(|made_from| made_from == digest) {
        println!("xtask: the dashboard in {} is up to date", relative(&dist));
        return Ok(());
    }
    wasm::ensure(stop)?;
    println!("xtask: building the dashboard into {}", relative(&dist));
    // Trunk works offline, so that it takes the programs that are here instead of looking for others.
    let host = output(Command::new("rustc").current_dir(&root).args(["--print", "host-tuple"]))?;
    let mut fetch = cargo();
    process::run(
        fetch.args(["fetch", "--quiet", "--locked", "--target", "wasm32-unknown-unknown", "--target", &host]),
        stop,
    )?;
    process::run(wasm::trunk().args(["build", "--release", "--offline=true", "--locked=true"]), stop)?;
    match (weigh(&compress(&dist)?), excess) {
        (Err(Failure::Failed(text)), Excess::Told) => println!("xtask: too heavy: {text}"),
        (weighed, _) => weighed?,
    }
    let stamp = dist.join(STAMP);
    fs::write(&stamp, digest).context(format_args!("cannot write {}", relative(&stamp)))
}

/// Stands for the contents of all sources.
fn digest(root: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    TRUNK.hash(&mut hasher);
    for source in SOURCES {
        hash(&root.join(source), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    path.file_name().hash(hasher);
    if !path.is_dir() {
        fs::read(path).context(format_args!("cannot read {}", relative(path)))?.hash(hasher);
        return Ok(());
    }
    for entry in entries(path)? {
        if entry.file_name() != Some(OsStr::new("dist")) {
            hash(&entry, hasher)?;
        }
    }
    Ok(())
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).context(format_args!("cannot read {}", relative(folder)))?;
    let mut entries: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    Ok(entries)
}

/// Compresses every file of the dashboard; the bytes of each of [`KINDS`], compressed.
fn compress(folder: &Path) -> Result<[u64; KINDS.len()]> {
    let mut weights = [0; KINDS.len()];
    for path in entries(folder)? {
        if path.is_dir() {
            for (weight, more) in weights.iter_mut().zip(compress(&path)?) {
                *weight += more;
            }
            continue;
        }
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        let Some(kind) = KINDS.iter().position(|kind| *kind == extension) else { continue };
        let plain = fs::read(&path).context(format_args!("cannot read {}", relative(&path)))?;
        let compressed = brotli(&plain)?;
        weights[kind] += u64::try_from(compressed.len()).unwrap_or(u64::MAX);
        let target = path.with_extension(format!("{extension}.br"));
        fs::write(&target, compressed).context(format_args!("cannot write {}", relative(&target)))?;
    }
    Ok(weights)
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: plain.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*plain, &mut compressed, &params).context("cannot compress a file")?;
    Ok(compressed)
}

/// Says how heavy the dashboard is; fails when it is too heavy.
fn weigh(weights: &[u64; KINDS.len()]) -> Result<()> {
    let mut text = String::from("the first load of the dashboard, compressed:");
    for (kind, weight) in KINDS.iter().zip(weights) {
        // Writing to a string cannot fail.
        let _ = write!(text, " {kind} {},", kilobytes(*weight));
    }
    let total = weights.iter().sum();
    let _ = write!(text, " together {} of at most {}", kilobytes(total), kilobytes(BUDGET));
    if total > BUDGET {
        return Err(Failure::Failed(text));
    }
    println!("xtask: {text}");
    Ok(())
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::TempFolder;

    #[test]
    fn the_budget_is_kept_or_the_build_fails() {
        assert!(weigh(&[1_000, 9_000, 10_000, 280_000]).is_ok());
        let Err(Failure::Failed(text)) = weigh(&[1_000, 9_000, 10_000, 280_001]) else { panic!("not a failure") };
        assert!(text.ends_with("wasm 280.0 KB, together 300.0 KB of at most 300.0 KB"), "{text}");
    }

    #[test]
    fn compressed_files_lie_beside_the_others() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        let path = |name| folder.path().join(name);
        fs::create_dir(path("snippets")).unwrap();
        let plain = b"fn fn fn fn".repeat(100);
        for name in ["a.js", "snippets/b.js", "icon.png"] {
            fs::write(path(name), &plain).unwrap();
        }
        let [html, css, js, wasm] = compress(folder.path()).unwrap();
        assert_eq!((html, css, wasm), (0, 0, 0));
        assert!(js > 0 && js < 200, "{js}");
        assert!(path("a.js.br").exists() && path("snippets/b.js.br").exists() && !path("icon.png.br").exists());
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &*fs::read(path("a.js.br")).unwrap(), &mut back).unwrap();
        assert_eq!(back, plain);
    }

    #[test]
    fn every_change_of_a_source_counts_and_none_of_what_is_built() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        for source in SOURCES {
            let path = folder.path().join(source);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if source == "frontend" {
                fs::create_dir_all(path.join("dist")).unwrap();
            } else {
                fs::write(path, "x").unwrap();
            }
        }
        let before = digest(folder.path()).unwrap();
        fs::write(folder.path().join("frontend/dist/index.html"), "built").unwrap();
        assert_eq!(digest(folder.path()).unwrap(), before);
        for source in ["Cargo.lock", "frontend/index.html"] {
            let before = digest(folder.path()).unwrap();
            fs::write(folder.path().join(source), "changed").unwrap();
            assert_ne!(digest(folder.path()).unwrap(), before, "{source}");
        }
    }
}
