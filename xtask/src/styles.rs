//! Joins the style sheets of the dashboard. In the sources, each component has its own file. One file for the browser
//! needs only one request and compresses better.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

use crate::failure::{Context, Result};
use crate::files::relative;

/// Joins the style sheets that `index.html` names into one file, in their order, and replaces their tags in
/// `index.html` by one for that file. `dist` is the folder that Trunk has built.
pub(crate) fn join(dist: &Path) -> Result<()> {
    let index = dist.join("index.html");
    let html = fs::read_to_string(&index).context(format_args!("cannot read {}", relative(&index)))?;
    let sheets = sheets(&html);
    let (_, base, _) = *sheets.first().ok_or("index.html names no style sheet")?;
    let mut joined = String::new();
    for (_, _, name) in &sheets {
        let path = dist.join(name);
        joined += &fs::read_to_string(&path).context(format_args!("cannot read {}", relative(&path)))?;
        joined.push('\n');
        fs::remove_file(&path).context(format_args!("cannot remove {}", relative(&path)))?;
    }
    let joined = compact(&joined);
    let mut hasher = DefaultHasher::new();
    joined.hash(&mut hasher);
    // The name has the form of Trunk's names, which the server recognises.
    let name = format!("styles-{:016x}.css", hasher.finish());
    let path = dist.join(&name);
    fs::write(&path, &joined).context(format_args!("cannot write {}", relative(&path)))?;
    let mut link = format!("<link rel=\"stylesheet\" href=\"{base}/{name}\">");
    let mut page = html.clone();
    for (tag, _, _) in &sheets {
        page = page.replacen(tag, &std::mem::take(&mut link), 1);
    }
    fs::write(&index, page).context(format_args!("cannot write {}", relative(&index)))
}

/// The style sheets that a page names, in their order. For each: its tag, the URL of its folder, and its file name.
fn sheets(html: &str) -> Vec<(&str, &str, &str)> {
    let tags = html.match_indices("<link ").filter_map(|(start, _)| html.get(start..)?.split_inclusive('>').next());
    let sheets = tags.filter(|tag| tag.contains("rel=\"stylesheet\"")).filter_map(|tag| {
        let address = tag.split_once("href=\"")?.1.split_once('"')?.0;
        let (base, name) = address.rsplit_once('/')?;
        Some((tag, base, name))
    });
    sheets.collect()
}

/// The style sheet without comments and indentation. No string in the sources contains the beginning of a comment.
fn compact(sheet: &str) -> String {
    let (mut code, mut rest) = (String::new(), sheet);
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
    }
    code += rest;
    code.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::files::{TempFolder, entries, file_name, root};

    #[test]
    fn the_joined_sheet_has_all_rules_in_the_order_of_the_page() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        let html = "<head>\n<link rel=\"icon\" href=\"/icon.png\">\n<link rel=\"stylesheet\" href=\"/b-1.css\" integrity=\"x\"/>\n\
                    <link rel=\"stylesheet\" href=\"/a-2.css\"/>\n</head>";
        for (name, text) in [
            ("index.html", html),
            ("b-1.css", "/* First. */\n.a {\n  color: red;\n}\n"),
            ("a-2.css", ".a {\n  /* Two\n     lines. */\n  color: blue;\n}"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        join(folder.path()).unwrap();
        let files = entries(folder.path()).unwrap();
        let names: Vec<&str> = files.iter().map(|path| file_name(path)).collect();
        let ["index.html", name] = names[..] else { panic!("{names:?}") };
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read(name), ".a {\ncolor: red;\n}\n.a {\ncolor: blue;\n}");
        assert_eq!(
            read("index.html"),
            format!(
                "<head>\n<link rel=\"icon\" href=\"/icon.png\">\n<link rel=\"stylesheet\" href=\"/{name}\">\n\n</head>"
            )
        );
        assert!(join(folder.path()).is_ok(), "what is joined may be joined again");
    }

    #[test]
    fn a_page_without_style_sheets_fails_the_build() {
        let folder = TempFolder::create(&std::env::temp_dir()).unwrap();
        fs::write(folder.path().join("index.html"), "<link rel=\"icon\" href=\"/icon.png\">").unwrap();
        assert!(join(folder.path()).is_err());
    }

    #[test]
    fn the_page_names_every_style_sheet_of_the_sources_once() {
        let frontend = root().join("frontend");
        let html = fs::read_to_string(frontend.join("index.html")).unwrap();
        let folders = ["styles", "styles/components"].map(|folder| entries(&frontend.join(folder)).unwrap());
        let sheets: Vec<PathBuf> = folders.concat().into_iter().filter(|path| !path.is_dir()).collect();
        assert!(sheets.len() > 20, "{sheets:?}");
        for sheet in &sheets {
            let address = sheet.strip_prefix(&frontend).unwrap().display().to_string();
            let link = format!("<link data-trunk rel=\"css\" href=\"{address}\">");
            assert_eq!(html.matches(&link).count(), 1, "{link}");
        }
        assert_eq!(html.matches("rel=\"css\"").count(), sheets.len());
    }
}
