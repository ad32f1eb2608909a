//! Splits the dashboard's WebAssembly into chunks, so that a first visit does not load every page. A *piece* is a part
//! of the dashboard that is loaded on demand: `pieces!` and `part!` in `frontend/src` declare the functions that load
//! pieces. A piece loads one or more chunks. Small chunks are merged. The chunks replace the WebAssembly file and the
//! script that Trunk has built.

mod binary;
mod groups;
mod loader;

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::cargo_tools;
use crate::failure::{Context, Result};
use crate::files::{self, entries, file_name, relative};
use crate::process;
use crate::stop_request::Stop;

/// The feature of `frontend` that marks the functions at which to split.
pub(crate) const FEATURE: &str = "split";
/// The cargo profile with which `frontend` is compiled before it is split.
pub(crate) const PROFILE: &str = "wasm-release";
/// The name that the splitter gives to its own script, which loads the chunks.
const LOADER: &str = "__wasm_split.js";
/// The name that wasm-bindgen gives to the main file.
const MAIN: &str = "frontend_bg.wasm";

/// Splits the file that cargo has just compiled, and writes the chunks into `dist`, the folder that Trunk has just
/// filled.
pub(crate) fn split(dist: &Path, stop: &Stop) -> Result<()> {
    let target = files::target()?;
    let whole = target.join("wasm32-unknown-unknown").join(PROFILE).join("frontend.wasm");
    let folder = target.join("dashboard-chunks");
    if folder.exists() {
        fs::remove_dir_all(&folder).context(format_args!("cannot empty {}", relative(&folder)))?;
    }
    let mut splitter = cargo_tools::command("wasm-split-cli");
    splitter.arg(&whole).arg(&folder).args(["--target", "web", "--out-name", "frontend"]);
    process::run(&mut splitter, stop)?;
    merge(&folder, stop)?;

    // The chunks import shared items from the main file by the names that the linker gave them, so these names must
    // stay.
    let main = folder.join("frontend.wasm");
    let mut bindgen = cargo_tools::command("wasm-bindgen");
    bindgen.args(["--target", "web", "--out-name", "frontend", "--no-typescript"]);
    bindgen.args(["--keep-lld-exports", "--no-demangle"]);
    process::run(bindgen.arg("--out-dir").arg(&folder).arg(&main), stop)?;
    fs::remove_file(&main).context(format_args!("cannot remove {}", relative(&main)))?;

    let chunks = entries(&folder)?;
    optimise(chunks.iter().filter(|path| is(path, "wasm")), stop)?;
    let main = folder.join(MAIN);
    let wasm = fs::read(&main).context(format_args!("cannot read {}", relative(&main)))?;
    let wasm = binary::without_null_segments(&wasm).ok_or("the main file has an unknown table of functions")?;
    fs::write(&main, wasm).context(format_args!("cannot write {}", relative(&main)))?;
    publish(&chunks, dist)
}

/// Optimises the files for size with `wasm-opt`, in place, as many at a time as there are cores.
fn optimise<'a>(files: impl Iterator<Item = &'a PathBuf> + Send, stop: &Stop) -> Result<()> {
    let files = Mutex::new(files);
    let next = || files.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(wasm) = next() {
            let mut optimise = cargo_tools::command("wasm-opt");
            process::run(optimise.args(["-Os", "--quiet"]).arg(wasm).arg("-o").arg(wasm), stop)?;
        }
        Ok(())
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// Merges the chunks that several pieces share into fewer files, and changes the loader script to load these files.
fn merge(folder: &Path, stop: &Stop) -> Result<()> {
    let path = folder.join(LOADER);
    let script = fs::read_to_string(&path).context(format_args!("cannot read {}", relative(&path)))?;
    let unknown = || format!("the splitter has written {} in another form", relative(&path));
    let mut chunks = loader::shared_chunks(&script).ok_or_else(unknown)?;
    let mut imports = BTreeMap::new();
    for chunk in &mut chunks {
        for name in &chunk.chunks {
            let file = wasm_file(folder, name);
            let unknown = || format!("the splitter has written {} in another form", relative(&file));
            let wasm = fs::read(&file).context(format_args!("cannot read {}", relative(&file)))?;
            chunk.size += binary::size(&wasm).ok_or_else(unknown)?;
            imports.extend(binary::imports(&wasm).ok_or_else(unknown)?);
        }
    }
    let groups = groups::merge(chunks);
    let shared = wasm_file(folder, "shared");
    fs::write(&shared, binary::re_exports(&imports, loader::MAIN))
        .context(format_args!("cannot write {}", relative(&shared)))?;
    for group in &groups {
        merge_group(folder, &group.chunks, &shared, stop)?;
    }
    fs::remove_file(&shared).context(format_args!("cannot remove {}", relative(&shared)))?;
    let script = loader::with_groups(&script, &groups).ok_or_else(unknown)?;
    fs::write(&path, script).context(format_args!("cannot write {}", relative(&path)))
}

/// Merges chunks into the file of the first one.
fn merge_group(folder: &Path, chunks: &[String], shared: &Path, stop: &Stop) -> Result<()> {
    let [first, others @ ..] = chunks else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    let mut merge = cargo_tools::command("wasm-merge");
    // A chunk comes first, because `wasm-merge` takes the list of used WebAssembly features from the first file.
    for name in chunks {
        merge.arg(wasm_file(folder, name)).arg(name);
    }
    merge.arg(shared).arg(binary::SHARED);
    let merged = wasm_file(folder, "merged");
    process::run(merge.arg("-o").arg(&merged), stop)?;
    for name in others {
        let file = wasm_file(folder, name);
        fs::remove_file(&file).context(format_args!("cannot remove {}", relative(&file)))?;
    }
    let file = wasm_file(folder, first);
    fs::rename(&merged, &file).context(format_args!("cannot write {}", relative(&file)))
}

fn wasm_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.wasm"))
}

/// Copies the chunks into `dist` under their public names, and changes `index.html` to load them. Each name contains a
/// digest of all chunks, because chunks of different builds do not work together.
fn publish(chunks: &[PathBuf], dist: &Path) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    let mut contents = Vec::new();
    for path in chunks {
        let bytes = fs::read(path).context(format_args!("cannot read {}", relative(path)))?;
        (file_name(path), &bytes).hash(&mut hasher);
        contents.push(bytes);
    }
    let digest = hasher.finish();
    let names: Vec<(&str, String)> =
        chunks.iter().map(|path| (file_name(path), public_name(file_name(path), digest))).collect();
    for ((chunk, bytes), (_, public)) in chunks.iter().zip(contents).zip(&names) {
        let bytes = if is(chunk, "js") {
            compact(&with_public_names(&String::from_utf8_lossy(&bytes), &names)).into_bytes()
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

/// The public file name of a chunk, such as `frontend-fc3aeca7c4757da0_bg.wasm`. It has the form of Trunk's names,
/// which the server recognises.
fn public_name(name: &str, digest: u64) -> String {
    let chunk = name.strip_prefix("split_").unwrap_or(name).replace(LOADER, "chunks.js");
    match chunk.split_once("_bg.").map(|parts| (parts, "_bg")).or(chunk.rsplit_once('.').map(|parts| (parts, ""))) {
        Some(((stem, extension), rest)) => format!("{}-{digest:016x}{rest}.{extension}", stem.replace('_', "-")),
        None => chunk,
    }
}

/// The script with the public names of the chunks that it loads. The module names that it passes to the WebAssembly
/// stay.
fn with_public_names(script: &str, names: &[(&str, String)]) -> String {
    let mut script = script.to_owned();
    for (name, public) in names {
        for (before, after) in [("from \"./", "\""), ("new URL(\"./", "\""), ("new URL('", "'")] {
            script = script.replace(&format!("{before}{name}{after}"), &format!("{before}{public}{after}"));
        }
    }
    script
}

/// The script without comments and indentation. The tools write comments on separate lines, and no string over several
/// lines.
fn compact(script: &str) -> String {
    let mut in_comment = false;
    let is_code = |line: &&str| {
        in_comment |= line.starts_with("/**");
        let is_code = !in_comment && !line.is_empty() && !line.starts_with("//");
        in_comment &= !line.ends_with("*/");
        is_code
    };
    script.lines().map(str::trim).filter(is_code).collect::<Vec<_>>().join("\n")
}

/// `index.html` with the names of the chunks, and the names of the two replaced files. `None` if `index.html` does not
/// have the expected form.
fn start_with(html: &str, digest: u64) -> Option<(String, [String; 2])> {
    let address = |attribute: &str| html.split_once(attribute)?.1.split_once('"')?.0.rsplit_once('/');
    let ((base, script), (_, wasm)) = (address("data-script=\"")?, address("data-wasm=\"")?);
    // The main script imports the loader. A preload tag makes the browser load both at once.
    let loader = public_name(LOADER, digest);
    let preload = "<link rel=\"modulepreload\"";
    let both = format!("{preload} href=\"{base}/{loader}\" crossorigin>{preload}");
    let new = html.replacen(preload, &both, 1);
    let new = new.replace(script, &public_name("frontend.js", digest));
    let new = new.replace(wasm, &public_name(MAIN, digest));
    Some((new, [script.to_owned(), wasm.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::TempFolder;

    #[test]
    fn public_names_have_trunks_form_and_contain_the_digest() {
        let names = ["frontend.js", "frontend_bg.wasm", "__wasm_split.js", "split_admin.wasm", "chunk_3.wasm"];
        assert_eq!(
            names.map(|name| public_name(name, 0xbeef)),
            [
                "frontend-000000000000beef.js",
                "frontend-000000000000beef_bg.wasm",
                "chunks-000000000000beef.js",
                "admin-000000000000beef.wasm",
                "chunk-3-000000000000beef.wasm",
            ]
        );
    }

    #[test]
    fn scripts_lose_comments_and_indentation() {
        let script = "/**\n * @returns {number}\n */\nexport function f() {\n    // One line.\n    return a\n\n        / b; // Kept.\n}\n\
                      /** Short. */\nf();\n";
        assert_eq!(compact(script), "export function f() {\nreturn a\n/ b; // Kept.\n}\nf();");
    }

    #[test]
    fn the_chunks_replace_the_files_that_trunk_has_built() {
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
        assert_eq!(names[1..], ["chunks-#.js", "frontend-#.js", "frontend-#_bg.wasm", "index.html"].map(with_digest));
        let read = |name: &str| fs::read_to_string(to.path().join(with_digest(name))).unwrap();
        assert_eq!(
            read("chunks-#.js"),
            with_digest("import { initSync } from \"./frontend-#.js\"; new URL(\"./admin-#.wasm\", x)")
        );
        assert_eq!(
            read("frontend-#.js"),
            with_digest(
                "import * as import1 from \"./chunks-#.js\"\nnew URL('frontend-#_bg.wasm', x), { \"./__wasm_split.js\": import1 }"
            )
        );
        assert_eq!(
            read("index.html"),
            with_digest(
                "<meta name=\"start\" data-script=\"/frontend-#.js\" data-wasm=\"/frontend-#_bg.wasm\">\n\
                 <link rel=\"modulepreload\" href=\"/chunks-#.js\" crossorigin>\
                 <link rel=\"modulepreload\" href=\"/frontend-#.js\"><link href=\"/frontend-#_bg.wasm\">"
            )
        );
    }
}
