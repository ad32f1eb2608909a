//! Builds the dashboard with Trunk, joins its style sheets and compresses its files, unless the sources are unchanged
//! since the last build. A build for release is also split into chunks and checked against a size budget.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use brotli::enc::BrotliEncoderParams;

use crate::cargo_tools;
use crate::chunks;
use crate::failure::{Context, Failure, Result};
use crate::files::{self, entries, file_name, relative};
use crate::process::{self, output};
use crate::stop_request::Stop;
use crate::styles;
use crate::tool_versions::{TRUNK, WASM_SPLIT};
use crate::tools::cargo;
use crate::wasm;

/// The maximum size of a first visit, compressed, in bytes. Files that a page loads later do not count.
const BUDGET: u64 = 260_000;
/// The maximum size of each file that pages load later, compressed, in bytes.
const LATER_BUDGET: u64 = 60_000;
/// The extensions of the files that are compressed, and that count for the size budget.
const EXTENSIONS: [&str; 4] = ["html", "css", "js", "wasm"];
/// The extension of fonts. They count with their own size, because their format is compressed already.
const FONT: &str = "woff2";

/// The files and folders from which the dashboard is built.
const SOURCES: [&str; 7] =
    ["frontend", "protocol", "schema.graphql", "Cargo.lock", "Cargo.toml", ".cargo/config.toml", "Trunk.toml"];
/// The file with the digest of the sources, in the folder that Trunk creates again at each build.
const DIGEST_FILE: &str = ".sources-digest";

/// The purpose of a build of the dashboard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// For trying it on this machine: takes a fraction of the time, and the files are many times larger.
    Trial,
    /// For a release: the files are small, and the build fails if they exceed the size budget.
    Release,
}

impl Purpose {
    /// The cargo profile of `frontend`.
    fn profile(self) -> &'static str {
        match self {
            Self::Trial => "wasm-trial",
            Self::Release => chunks::PROFILE,
        }
    }

    /// The Brotli quality with which files are compressed, from 0 (fast) to 11 (small).
    fn compression(self) -> i32 {
        match self {
            Self::Trial => 4,
            Self::Release => 11,
        }
    }

    /// The line in [`DIGEST_FILE`] of a build for this purpose from sources with this digest.
    fn line(self, digest: &str) -> String {
        format!("{self:?} {digest}")
    }

    /// Whether the build that wrote `line` can be used for this purpose. A build for release can be used for a trial,
    /// too.
    fn is_met_by(self, line: &str, digest: &str) -> bool {
        line == self.line(digest) || line == Self::Release.line(digest)
    }
}

/// Makes sure that `frontend/dist` is built from the current sources, with a compressed copy `NAME.br` of each file
/// that has one of [`EXTENSIONS`].
pub(crate) fn build(purpose: Purpose, stop: &Stop) -> Result<()> {
    let (root, dist) = (files::root(), files::root().join("frontend/dist"));
    let digest = digest(&root)?;
    if files::read_line(&dist.join(DIGEST_FILE))?.is_some_and(|line| purpose.is_met_by(&line, &digest)) {
        println!("xtask: the dashboard in {} is up to date", relative(&dist));
        return Ok(());
    }
    wasm::ensure(stop)?;
    if purpose == Purpose::Release {
        wasm::ensure_splitter(stop)?;
    }
    println!("xtask: building the dashboard into {}", relative(&dist));
    // Offline, so that Trunk uses the programs that are installed and downloads no others.
    let host = output(Command::new("rustc").current_dir(&root).args(["--print", "host-tuple"]))?;
    let mut fetch = cargo();
    process::run(
        fetch.args(["fetch", "--quiet", "--locked", "--target", "wasm32-unknown-unknown", "--target", &host]),
        stop,
    )?;
    let mut trunk = cargo_tools::command("trunk");
    // Trunk does not run wasm-opt. For a release, wasm-opt runs on the chunks later.
    trunk.args(["build", "--cargo-profile", purpose.profile()]);
    trunk.args(["--offline=true", "--locked=true"]).env("TRUNK_SKIP_VERSION_CHECK", "true");
    if purpose == Purpose::Release {
        trunk.args(["--features", chunks::FEATURE]);
    }
    process::run(&mut trunk, stop)?;
    if purpose == Purpose::Release {
        chunks::split(&dist, stop)?;
    }
    styles::join(&dist)?;
    compress(&dist, purpose.compression())?;
    if purpose == Purpose::Release {
        check_size(&dist)?;
    }
    let file = dist.join(DIGEST_FILE);
    fs::write(&file, purpose.line(&digest)).context(format_args!("cannot write {}", relative(&file)))
}

/// A digest of the contents of all sources.
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

/// Writes a compressed copy of each file with one of [`EXTENSIONS`].
fn compress(folder: &Path, quality: i32) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            compress(&path, quality)?;
        } else if extension_index(&path).is_some() {
            let plain = fs::read(&path).context(format_args!("cannot read {}", relative(&path)))?;
            let target = compressed(&path);
            fs::write(&target, brotli(&plain, quality)?).context(format_args!("cannot write {}", relative(&target)))?;
        }
    }
    Ok(())
}

/// The index of a file's extension in [`EXTENSIONS`]; `None` if it is not one of them.
fn extension_index(path: &Path) -> Option<usize> {
    EXTENSIONS.iter().position(|extension| path.extension() == Some(OsStr::new(extension)))
}

/// The path of a file's compressed copy.
fn compressed(path: &Path) -> PathBuf {
    path.with_added_extension("br")
}

fn brotli(plain: &[u8], quality: i32) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams { quality, lgwin: 22, size_hint: plain.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*plain, &mut compressed, &params).context("cannot compress a file")?;
    Ok(compressed)
}

/// Prints the size of the dashboard. Fails when a first visit loads more than [`BUDGET`], or a file that is loaded later is
/// larger than [`LATER_BUDGET`].
fn check_size(folder: &Path) -> Result<()> {
    let index = folder.join("index.html");
    let html = fs::read_to_string(&index).context(format_args!("cannot read {}", relative(&index)))?;
    let (mut first, mut fonts, mut later) = ([0; EXTENSIONS.len()], 0, Vec::new());
    for path in all_files(folder)? {
        if path.extension() == Some(OsStr::new(FONT)) {
            fonts += size_of(&path)?;
        }
        let Some(extension) = extension_index(&path) else { continue };
        let size = size_of(&compressed(&path))?;
        let name = file_name(&path);
        // `index.html` names all WebAssembly files of a first visit. Scripts are always loaded.
        if EXTENSIONS[extension] == "wasm" && !html.contains(name) {
            later.push((name.to_owned(), size));
        } else {
            first[extension] += size;
        }
    }
    let total = first.iter().sum::<u64>() + fonts;
    let text = first_load(&first, fonts, total);
    if total > BUDGET {
        return Err(Failure::Failed(text));
    }
    println!("xtask: {text}");
    println!("xtask: chunks that pages load later, compressed: {}", with_sizes(&later));
    later.retain(|(_, size)| *size > LATER_BUDGET);
    if later.is_empty() {
        return Ok(());
    }
    let (large, most) = (with_sizes(&later), kilobytes(LATER_BUDGET));
    Err(Failure::Failed(format!("chunks of the dashboard are larger than {most}, compressed: {large}")))
}

fn with_sizes(files: &[(String, u64)]) -> String {
    let files: Vec<String> = files.iter().map(|(name, size)| format!("{name} {}", kilobytes(*size))).collect();
    files.join(", ")
}

fn size_of(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path).context(format_args!("cannot read {}", relative(path)))?.len())
}

/// Every file below a folder.
fn all_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { files.extend(all_files(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn first_load(first: &[u64; EXTENSIONS.len()], fonts: u64, total: u64) -> String {
    let mut text = String::from("the first load of the dashboard, compressed:");
    for (extension, size) in EXTENSIONS.iter().zip(first) {
        // Writing to a string cannot fail.
        let _ = write!(text, " {extension} {},", kilobytes(*size));
    }
    let _ = write!(text, " fonts {}, together {} of at most {}", kilobytes(fonts), kilobytes(total), kilobytes(BUDGET));
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
    fn a_first_load_over_the_budget_fails_the_build() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        let write = |name: &str, size: usize| fs::write(folder.path().join(name), vec![b' '; size]).unwrap();
        fs::write(folder.path().join("index.html"), "main-1.wasm main-1.js").unwrap();
        for (name, size) in [("index.html.br", 1_000), ("a.css", 0), ("a.css.br", 9_000), ("main-1.js", 0)] {
            write(name, size);
        }
        for (name, size) in [("main-1.js.br", 9_000), ("chunks-1.js", 0), ("chunks-1.js.br", 1_000)] {
            write(name, size);
        }
        for name in ["main-1.wasm", "admin-1.wasm", "icon.png"] {
            write(name, 290_000);
        }
        write("admin-1.wasm.br", 60_000);
        write("font-1.woff2", 30_000);
        write("main-1.wasm.br", 210_000);
        check_size(folder.path()).unwrap();
        write("main-1.wasm.br", 210_001);
        let Err(Failure::Failed(text)) = check_size(folder.path()) else { panic!("not a failure") };
        let end = "js 10.0 KB, wasm 210.0 KB, fonts 30.0 KB, together 260.0 KB of at most 260.0 KB";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_large_file_that_is_loaded_later_fails_the_build() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        let write = |name: &str, size: usize| fs::write(folder.path().join(name), vec![b' '; size]).unwrap();
        fs::write(folder.path().join("index.html"), "main-1.wasm").unwrap();
        for (name, size) in [("index.html.br", 1_000), ("main-1.wasm.br", 200_000), ("admin-1.wasm.br", 60_000)] {
            write(name, size);
        }
        for name in ["main-1.wasm", "admin-1.wasm", "chunk-3-1.wasm"] {
            write(name, 290_000);
        }
        write("chunk-3-1.wasm.br", 60_000);
        check_size(folder.path()).unwrap();
        write("chunk-3-1.wasm.br", 60_150);
        let Err(Failure::Failed(text)) = check_size(folder.path()) else { panic!("not a failure") };
        assert_eq!(text, "chunks of the dashboard are larger than 60.0 KB, compressed: chunk-3-1.wasm 60.1 KB");
    }

    #[test]
    fn compressed_copies_are_written_beside_the_files() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        let path = |name| folder.path().join(name);
        fs::create_dir(path("snippets")).unwrap();
        let plain = b"fn fn fn fn".repeat(100);
        for name in ["a.js", "snippets/b.js", "icon.png"] {
            fs::write(path(name), &plain).unwrap();
        }
        compress(folder.path(), Purpose::Trial.compression()).unwrap();
        assert!(path("a.js.br").exists() && path("snippets/b.js.br").exists() && !path("icon.png.br").exists());
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &*fs::read(path("a.js.br")).unwrap(), &mut back).unwrap();
        assert_eq!(back, plain);
    }

    #[test]
    fn a_trial_takes_what_ships_and_a_release_nothing_else() {
        let (trial, release) = (Purpose::Trial.line("1"), Purpose::Release.line("1"));
        assert!(Purpose::Trial.is_met_by(&trial, "1") && Purpose::Trial.is_met_by(&release, "1"));
        assert!(Purpose::Release.is_met_by(&release, "1") && !Purpose::Release.is_met_by(&trial, "1"));
        assert!(!Purpose::Trial.is_met_by(&release, "2") && !Purpose::Release.is_met_by("", "1"));
    }

    #[test]
    fn the_digest_changes_with_the_sources_and_not_with_the_built_files() {
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
