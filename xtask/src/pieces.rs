//! The dashboard in pieces: cuts cargo's WebAssembly where `frontend/src/pages.rs` says so, so that a first visit need
//! not load every page. The pieces take the place of the one file that Trunk has made, and of its script.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::failure::{Context, Result};
use crate::files::{self, entries, file_name, relative};
use crate::process;
use crate::stop::Stop;
use crate::wasm;

/// The feature of `frontend` with which the pages are separate.
pub(crate) const FEATURE: &str = "split";
/// The profile with which cargo builds it.
pub(crate) const PROFILE: &str = "wasm-release";
/// What the splitter calls its own script, which loads the pieces.
const LOADER: &str = "__wasm_split.js";

/// Cuts what cargo has just compiled, and puts it into `dist`, the folder that Trunk has just filled.
pub(crate) fn cut(dist: &Path, stop: &Stop) -> Result<()> {
    let target = files::target()?;
    let whole = target.join("wasm32-unknown-unknown").join(PROFILE).join("frontend.wasm");
    let folder = target.join("dashboard-pieces");
    if folder.exists() {
        fs::remove_dir_all(&folder).context(format_args!("cannot empty {}", relative(&folder)))?;
    }
    let mut split = wasm::command("wasm-split-cli");
    split.arg(&whole).arg(&folder).args(["--target", "web", "--out-name", "frontend"]);
    process::run(&mut split, stop)?;

    // The pieces find what they share with the main one by the names that the linker gave.
    let main = folder.join("frontend.wasm");
    let mut bindgen = wasm::command("wasm-bindgen");
    bindgen.args(["--target", "web", "--out-name", "frontend", "--no-typescript"]);
    bindgen.args(["--keep-lld-exports", "--no-demangle"]);
    process::run(bindgen.arg("--out-dir").arg(&folder).arg(&main), stop)?;
    fs::remove_file(&main).context(format_args!("cannot remove {}", relative(&main)))?;

    let pieces = entries(&folder)?;
    for wasm in pieces.iter().filter(|path| is(path, "wasm")) {
        let mut optimise = wasm::command("wasm-opt");
        process::run(optimise.args(["-Os", "--quiet"]).arg(wasm).arg("-o").arg(wasm), stop)?;
    }
    publish(&pieces, dist)
}

/// Copies the pieces, each with the digest of all in its name: one is of no use with another one of another build.
fn publish(pieces: &[PathBuf], dist: &Path) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    let mut contents = Vec::new();
    for path in pieces {
        let bytes = fs::read(path).context(format_args!("cannot read {}", relative(path)))?;
        (file_name(path), &bytes).hash(&mut hasher);
        contents.push(bytes);
    }
    let digest = hasher.finish();
    let names: Vec<(&str, String)> =
        pieces.iter().map(|path| (file_name(path), public_name(file_name(path), digest))).collect();
    for ((piece, bytes), (_, public)) in pieces.iter().zip(contents).zip(&names) {
        let bytes = if is(piece, "js") {
            with_public_names(&String::from_utf8_lossy(&bytes), &names).into_bytes()
        } else {
            bytes
        };
        let path = dist.join(public);
        fs::write(&path, bytes).context(format_args!("cannot write {}", relative(&path)))?;
    }
    let index = dist.join("index.html");
    let html = fs::read_to_string(&index).context(format_args!("cannot read {}", relative(&index)))?;
    let (html, replaced) =
        start_with(&html, digest).ok_or("index.html names no script and WebAssembly to start with")?;
    for name in replaced {
        let path = dist.join(name);
        fs::remove_file(&path).context(format_args!("cannot remove {}", relative(&path)))?;
    }
    fs::write(&index, html).context(format_args!("cannot write {}", relative(&index)))
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension() == Some(OsStr::new(extension))
}

/// What a browser calls a piece. The server keeps to Trunk's form: `frontend-fc3aeca7c4757da0_bg.wasm`.
fn public_name(name: &str, digest: u64) -> String {
    let piece = name.strip_prefix("split_").unwrap_or(name).replace(LOADER, "pieces.js");
    match piece.split_once("_bg.").map(|parts| (parts, "_bg")).or(piece.rsplit_once('.').map(|parts| (parts, ""))) {
        Some(((stem, extension), rest)) => format!("{}-{digest:016x}{rest}.{extension}", stem.replace('_', "-")),
        None => piece,
    }
}

/// A script that loads other pieces, by the names that browsers know. What it gives to the WebAssembly keeps its name.
fn with_public_names(script: &str, names: &[(&str, String)]) -> String {
    let mut script = script.to_owned();
    for (name, public) in names {
        for (before, after) in [("from \"./", "\""), ("new URL(\"./", "\""), ("new URL('", "'")] {
            script = script.replace(&format!("{before}{name}{after}"), &format!("{before}{public}{after}"));
        }
    }
    script
}

/// The page that starts with the pieces, and the names of the files that it started with.
fn start_with(html: &str, digest: u64) -> Option<(String, [String; 2])> {
    let address = |attribute: &str| html.split_once(attribute)?.1.split_once('"')?.0.rsplit_once('/');
    let ((base, script), (_, wasm)) = (address("data-script=\"")?, address("data-wasm=\"")?);
    // The main script imports the loader: both begin to load at once.
    let loader = public_name(LOADER, digest);
    let preload = "<link rel=\"modulepreload\"";
    let both = format!("{preload} href=\"{base}/{loader}\" crossorigin>{preload}");
    let new = html.replacen(preload, &both, 1);
    let new = new.replace(script, &public_name("frontend.js", digest));
    let new = new.replace(wasm, &public_name("frontend_bg.wasm", digest));
    Some((new, [script.to_owned(), wasm.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::TempFolder;

    #[test]
    fn names_are_those_of_trunk_and_hold_the_digest() {
        let names = ["frontend.js", "frontend_bg.wasm", "__wasm_split.js", "split_admin.wasm", "chunk_3.wasm"];
        assert_eq!(
            names.map(|name| public_name(name, 0xbeef)),
            [
                "frontend-000000000000beef.js",
                "frontend-000000000000beef_bg.wasm",
                "pieces-000000000000beef.js",
                "admin-000000000000beef.wasm",
                "chunk-3-000000000000beef.wasm",
            ]
        );
    }

    #[test]
    fn the_pieces_take_the_place_of_what_trunk_has_made() {
        let (from, to) =
            (TempFolder::create(&std::env::temp_dir()).unwrap(), TempFolder::create(&std::env::temp_dir()).unwrap());
        let files = [
            ("__wasm_split.js", "import { initSync } from \"./frontend.js\"; new URL(\"./split_admin.wasm\", x)"),
            (
                "frontend.js",
                "import * as import1 from \"./__wasm_split.js\"\nnew URL('frontend_bg.wasm', x), { \"./__wasm_split.js\": import1 }",
            ),
            ("frontend_bg.wasm", "main"),
            ("split_admin.wasm", "admin"),
        ];
        for (name, text) in files {
            fs::write(from.path().join(name), text).unwrap();
        }
        let html = "<meta name=\"start\" data-script=\"/frontend-1.js\" data-wasm=\"/frontend-1_bg.wasm\">\n\
                    <link rel=\"modulepreload\" href=\"/frontend-1.js\"><link href=\"/frontend-1_bg.wasm\">";
        for (name, text) in [("index.html", html), ("frontend-1.js", "old"), ("frontend-1_bg.wasm", "old")] {
            fs::write(to.path().join(name), text).unwrap();
        }
        publish(&entries(from.path()).unwrap(), to.path()).unwrap();

        let published = entries(to.path()).unwrap();
        let names: Vec<&str> = published.iter().map(|path| file_name(path)).collect();
        let digest = names[0].strip_prefix("admin-").unwrap().strip_suffix(".wasm").unwrap();
        let with_digest = |name: &str| name.replace('#', digest);
        assert_eq!(names[1..], ["frontend-#.js", "frontend-#_bg.wasm", "index.html", "pieces-#.js"].map(with_digest));
        let read = |name: &str| fs::read_to_string(to.path().join(with_digest(name))).unwrap();
        assert_eq!(
            read("pieces-#.js"),
            with_digest("import { initSync } from \"./frontend-#.js\"; new URL(\"./admin-#.wasm\", x)")
        );
        assert_eq!(
            read("frontend-#.js"),
            with_digest(
                "import * as import1 from \"./pieces-#.js\"\nnew URL('frontend-#_bg.wasm', x), { \"./__wasm_split.js\": import1 }"
            )
        );
        assert_eq!(
            read("index.html"),
            with_digest(
                "<meta name=\"start\" data-script=\"/frontend-#.js\" data-wasm=\"/frontend-#_bg.wasm\">\n\
                 <link rel=\"modulepreload\" href=\"/pieces-#.js\" crossorigin>\
                 <link rel=\"modulepreload\" href=\"/frontend-#.js\"><link href=\"/frontend-#_bg.wasm\">"
            )
        );
    }
}
