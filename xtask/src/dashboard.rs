//! The dashboard: built by Trunk, cut into pieces, compressed, and weighed, unless nothing has changed since.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use brotli::enc::BrotliEncoderParams;

use crate::failure::{Context, Failure, Result};
use crate::files::{self, entries, file_name, relative};
use crate::pieces;
use crate::process::{self, output};
use crate::stop::Stop;
use crate::tools::cargo;
use crate::versions::{TRUNK, WASM_SPLIT};
use crate::wasm;

/// How much a first visit may load, in bytes: everything that counts, compressed. What a page loads later does not count.
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
    let mut trunk = wasm::command("trunk");
    // As a release, but without the optimiser: that is for the pieces.
    trunk.args(["build", "--cargo-profile", pieces::PROFILE, "--features", pieces::FEATURE]);
    trunk.args(["--offline=true", "--locked=true"]).env("TRUNK_SKIP_VERSION_CHECK", "true");
    process::run(&mut trunk, stop)?;
    pieces::cut(&dist, stop)?;
    compress(&dist)?;
    match (weigh(&dist), excess) {
        (Err(Failure::Failed(text)), Excess::Told) => println!("xtask: too heavy: {text}"),
        (weighed, _) => weighed?,
    }
    let stamp = dist.join(STAMP);
    fs::write(&stamp, digest).context(format_args!("cannot write {}", relative(&stamp)))
}

/// Stands for the contents of all sources.
fn digest(root: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    (TRUNK, WASM_SPLIT).hash(&mut hasher);
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

/// Compresses every file of the dashboard that is of one of [`KINDS`].
fn compress(folder: &Path) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            compress(&path)?;
        } else if kind(&path).is_some() {
            let plain = fs::read(&path).context(format_args!("cannot read {}", relative(&path)))?;
            let target = compressed(&path);
            fs::write(&target, brotli(&plain)?).context(format_args!("cannot write {}", relative(&target)))?;
        }
    }
    Ok(())
}

/// Which of [`KINDS`] a file is.
fn kind(path: &Path) -> Option<usize> {
    KINDS.iter().position(|kind| path.extension() == Some(OsStr::new(kind)))
}

/// Where a file lies, compressed.
fn compressed(path: &Path) -> PathBuf {
    path.with_added_extension("br")
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: plain.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*plain, &mut compressed, &params).context("cannot compress a file")?;
    Ok(compressed)
}

/// Says how heavy the dashboard is; fails when a first visit loads too much.
fn weigh(folder: &Path) -> Result<()> {
    let index = folder.join("index.html");
    let html = fs::read_to_string(&index).context(format_args!("cannot read {}", relative(&index)))?;
    let (mut first, mut later) = ([0; KINDS.len()], Vec::new());
    for path in everything(folder)? {
        let Some(kind) = kind(&path) else { continue };
        let compressed = compressed(&path);
        let size = fs::metadata(&compressed).context(format_args!("cannot read {}", relative(&compressed)))?.len();
        let name = file_name(&path);
        // The page names all WebAssembly that it starts with. Scripts load one another.
        if KINDS[kind] == "wasm" && !html.contains(name) {
            later.push((name.to_owned(), size));
        } else {
            first[kind] += size;
        }
    }
    let total = first.iter().sum();
    let text = first_load(&first, total);
    if total > BUDGET {
        return Err(Failure::Failed(text));
    }
    println!("xtask: {text}");
    let pieces: Vec<String> = later.iter().map(|(name, size)| format!("{name} {}", kilobytes(*size))).collect();
    println!("xtask: what pages load later, compressed: {}", pieces.join(", "));
    Ok(())
}

/// Every file below a folder.
fn everything(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { files.extend(everything(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn first_load(first: &[u64; KINDS.len()], total: u64) -> String {
    let mut text = String::from("the first load of the dashboard, compressed:");
    for (kind, weight) in KINDS.iter().zip(first) {
        // Writing to a string cannot fail.
        let _ = write!(text, " {kind} {},", kilobytes(*weight));
    }
    let _ = write!(text, " together {} of at most {}", kilobytes(total), kilobytes(BUDGET));
    text
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::TempFolder;

    #[test]
    fn the_budget_is_kept_by_what_loads_first_or_the_build_fails() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        let write = |name: &str, size: usize| fs::write(folder.path().join(name), vec![b' '; size]).unwrap();
        fs::write(folder.path().join("index.html"), "main-1.wasm main-1.js").unwrap();
        for (name, size) in [("index.html.br", 1_000), ("a.css", 0), ("a.css.br", 9_000), ("main-1.js", 0)] {
            write(name, size);
        }
        for (name, size) in [("main-1.js.br", 9_000), ("pieces-1.js", 0), ("pieces-1.js.br", 1_000)] {
            write(name, size);
        }
        for name in ["main-1.wasm", "admin-1.wasm", "admin-1.wasm.br", "icon.png"] {
            write(name, 290_000);
        }
        write("main-1.wasm.br", 280_000);
        weigh(folder.path()).unwrap();
        write("main-1.wasm.br", 280_001);
        let Err(Failure::Failed(text)) = weigh(folder.path()) else { panic!("not a failure") };
        assert!(text.ends_with("js 10.0 KB, wasm 280.0 KB, together 300.0 KB of at most 300.0 KB"), "{text}");
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
        compress(folder.path()).unwrap();
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
