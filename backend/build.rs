//! Writes the table of the dashboard's files that `src/dashboard.rs` includes (what xtask has built with the feature
//! `dashboard`, nothing without it), and the lists of migrations that `src/store/migrations.rs` includes.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// If this variable is set, the table is empty: `cargo xtask up` compiles the server while the dashboard is built.
const LATER: &str = "MFTPLUS_BUILD_DASHBOARD_LATER";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("dashboard.rs"), dashboard()?)?;
    fs::write(out.join("migrations.rs"), migrations()?)
}

/// The lists of migrations, of each engine one.
fn migrations() -> io::Result<String> {
    let mut lists = String::new();
    for (engine, list) in [("sqlite", "SQLITE"), ("postgres", "POSTGRES")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(engine);
        println!("cargo::rerun-if-changed={}", folder.display());
        // Writing to a string cannot fail.
        let _ = writeln!(lists, "#[expect(clippy::unreadable_literal, reason = \"versions are times\")]");
        let _ = writeln!(lists, "const {list}: &[Listed] = &[");
        for path in files(&folder)? {
            let name = path.file_stem().and_then(OsStr::to_str).and_then(|name| name.split_once('_'));
            let Some((version, description)) = name else {
                println!("cargo::error={} must be named <version>_<description>.sql", path.display());
                continue;
            };
            let (description, path) = (description.replace('_', " "), path.display().to_string());
            let _ = writeln!(lists, "    ({version}, {description:?}, include_str!({path:?})),");
        }
        lists.push_str("];\n");
    }
    Ok(lists)
}

/// The table of the dashboard's files.
fn dashboard() -> io::Result<String> {
    println!("cargo::rerun-if-env-changed={LATER}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend/dist");
    let mut table = String::from("const FILES: &[File] = &[\n");
    if cfg!(feature = "dashboard") && env::var_os(LATER).is_none() {
        println!("cargo::rerun-if-changed={}", folder.display());
        if folder.join("index.html").exists() {
            for path in files(&folder)? {
                write_entry(&mut table, &folder, &path);
            }
        } else {
            println!(
                "cargo::error=the feature `dashboard` needs frontend/dist: `cargo xtask test --only dashboard` builds it"
            );
        }
    }
    table.push_str("];\n");
    Ok(table)
}

/// Every file below `folder`, sorted by path, without hidden ones.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn write_entry(table: &mut String, folder: &Path, path: &Path) {
    let below = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    // `name.br` beside `name` is the same file, compressed.
    if below.strip_suffix(".br").is_some_and(|name| folder.join(name).exists()) {
        return;
    }
    let compressed = PathBuf::from(format!("{}.br", path.display()));
    // As literals of Rust.
    let literal = |path: &Path| format!("{:?}", path.display().to_string());
    let (plain, compressed_literal) = (literal(path), literal(&compressed));
    let brotli =
        if compressed.exists() { format!("Some(include_bytes!({compressed_literal}))") } else { "None".to_owned() };
    // Writing to a string cannot fail.
    let _ = writeln!(table, "File {{ path: {below:?}, plain: include_bytes!({plain}), brotli: {brotli} }},");
}
