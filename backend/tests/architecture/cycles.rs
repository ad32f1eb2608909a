//! Modules have no import cycles. A module includes everything below it, and cycles are searched for among siblings: an
//! import of `graphql::fanout::change` by `graphql::ws::operation_plan` counts as one of `graphql::fanout` by `graphql::ws`. A
//! module may import from its ancestors, since it is a part of them. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;

use super::{Source, sources_below};

/// Sibling modules with the modules that each imports, and for each import where it was found.
type Imports = BTreeMap<String, BTreeMap<String, String>>;

/// A module: the names that it imports with their paths, and the other paths in its code.
#[derive(Default)]
struct Module {
    names: BTreeMap<String, String>,
    paths: Vec<String>,
}

/// The modules of a crate by their paths, such as `transfer::local_copy`; the root of the crate is the empty path.
struct Modules(BTreeMap<String, Module>);

impl Module {
    fn read(source: &Source) -> Self {
        let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
        let code = code.join("\n");
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let mut module = Self::default();
        for statement in code.split(';') {
            let declaration = statement.rsplit_once("use ").filter(|(before, _)| {
                let line = before.rsplit('\n').next().unwrap_or_default().trim();
                line.is_empty() || line == "pub" || line.starts_with("pub(")
            });
            let (other, tree) = declaration.map_or((statement, None), |(before, tree)| (before, Some(tree)));
            module.find_paths(other);
            if let Some(tree) = tree {
                module.import(tree, "");
            }
        }
        module
    }

    /// Adds the paths of a `use` declaration, such as `crate::{a::B, c::{self, D as E}}`.
    fn import(&mut self, tree: &str, prefix: &str) {
        let Some((head, group)) = tree.split_once('{') else {
            let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
            let path = format!("{prefix}{}", path.trim());
            let path = path.trim_end_matches("::self");
            let name = if name.is_empty() { path.rsplit("::").next().unwrap_or_default() } else { name.trim() };
            self.names.insert(name.to_owned(), path.to_owned());
            return;
        };
        let (prefix, mut depth, mut start) = (format!("{prefix}{}", head.trim()), 0, 0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    if !group[start..at].trim().is_empty() {
                        self.import(&group[start..at], &prefix);
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
    }

    fn find_paths(&mut self, code: &str) {
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        for root in ["crate::", "super::", "self::"] {
            let found =
                code.match_indices(root).filter(|(at, _)| !code[..*at].ends_with(|c: char| is_path(c) || c == '$'));
            let paths = found.filter_map(|(at, _)| code[at..].split(|c: char| !is_path(c)).next());
            self.paths.extend(paths.map(|path| path.trim_end_matches(':').to_owned()));
        }
    }
}

impl Modules {
    fn read(sources: &[Source]) -> Self {
        let name = |source: &Source| source.name.trim_end_matches(".rs").replace('/', "::");
        let modules = sources.iter().map(|source| (name(source), source));
        let modules = modules.filter(|(name, _)| name != "main" && !name.split("::").any(|part| part == "tests"));
        let path = |name: String| if name == "lib" { String::new() } else { name };
        Self(modules.map(|(name, source)| (path(name), Module::read(source))).collect())
    }

    /// A path from the root of the crate; `None` if it leads out of the crate.
    fn absolute(&self, own: &str, path: &str) -> Option<String> {
        let mut at: Vec<&str> = own.split("::").filter(|part| !part.is_empty()).collect();
        for (index, part) in path.split("::").enumerate() {
            match part {
                "crate" => at.clear(),
                "self" => {}
                "super" => {
                    at.pop();
                }
                child if index == 0 && !self.0.contains_key(&[at.as_slice(), &[child]].concat().join("::")) => {
                    return None;
                }
                part => at.push(part),
            }
        }
        Some(at.join("::"))
    }

    /// The module that declares the item of a path. An imported name is looked up in the module that it comes from.
    fn declaring(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split("::").collect();
        let length = (0..=parts.len()).rev().find(|length| self.0.contains_key(&parts[..*length].join("::")));
        let (own, rest) = parts.split_at(length.unwrap_or_default());
        let own = own.join("::");
        let import = rest.first().and_then(|name| self.0.get(&own)?.names.get(*name));
        match import.and_then(|import| self.absolute(&own, import)).filter(|import| import != path) {
            Some(import) => {
                let mut parts = vec![import.as_str()];
                parts.extend(&rest[1..]);
                self.declaring(&parts.join("::"))
            }
            None => own,
        }
    }

    fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (own, module) in &self.0 {
            let paths = module.names.values().chain(&module.paths).filter_map(|path| self.absolute(own, path));
            for path in paths {
                let declaring = self.declaring(&path);
                let (from, to): (Vec<&str>, Vec<&str>) = (own.split("::").collect(), declaring.split("::").collect());
                let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
                // One is above the other.
                if shared == from.len() || shared == to.len() || own.is_empty() || declaring.is_empty() {
                    continue;
                }
                let (from, to) = (from[..=shared].join("::"), to[..=shared].join("::"));
                imports.entry(from).or_default().entry(to).or_insert_with(|| format!("{own} names {path}"));
            }
        }
        imports
    }
}

/// The modules of cycles: what remains after removing all modules that import none of the others or are imported by
/// none.
fn cycles(mut imports: Imports) -> Imports {
    loop {
        let before = imports.len();
        let importing: BTreeSet<String> = imports.keys().cloned().collect();
        for imported in imports.values_mut() {
            imported.retain(|module, _| importing.contains(module));
        }
        imports.retain(|_, imported| !imported.is_empty());
        let imported: BTreeSet<String> = imports.values().flat_map(BTreeMap::keys).cloned().collect();
        imports.retain(|module, _| imported.contains(module));
        if imports.len() == before {
            return imports;
        }
    }
}

#[rstest]
#[case::agent("../agent/src")]
#[case::dashboard("../frontend/src")]
#[case::server("src")]
#[case::tasks("../xtask/src")]
fn modules_have_no_import_cycle(#[case] folder: &str) {
    let imports = Modules::read(&sources_below(folder)).imports();
    assert!(imports.values().map(BTreeMap::len).sum::<usize>() > 60, "the imports are not read any more");
    let cycles = cycles(imports);
    assert!(cycles.is_empty(), "in {folder} these import each other: {cycles:#?}");
}

#[rstest]
#[case::two_siblings(&[("a.rs", "use crate::b::B;"), ("b.rs", "fn f() -> super::a::A {}")], &["a", "b"])]
#[case::below_siblings(&[("a/x.rs", "use crate::b::B;"), ("a.rs", "mod x;"), ("b.rs", "use crate::{\n    a::{y, z as w},\n};"), ("a/y.rs", "")], &["a", "b"])]
#[case::three(&[("a.rs", "use super::b;"), ("b.rs", "pub(super) use super::c::{C, D};"), ("c.rs", "use crate::a::A;"), ("d.rs", "use crate::a;")], &["a", "b", "c"])]
#[case::through_a_name_of_the_parent(&[("p.rs", "use a::A;"), ("p/a.rs", "use super::b::B;"), ("p/b.rs", "use super::A;")], &["p::a", "p::b"])]
#[case::parent_and_child(&[("a.rs", "mod x;\npub use x::X;"), ("a/x.rs", "use super::Y;")], &[])]
#[case::one_way(&[("a.rs", "use crate::b::B;\nuse std::fmt;"), ("b.rs", "use other::a::A;")], &[])]
#[case::comments_and_tests(&[("a.rs", "use crate::b::B;"), ("b.rs", "// crate::a::A\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}")], &[])]
fn cycles_are_found(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    let source = |(name, text): &(&str, &str)| Source { name: (*name).to_owned(), text: (*text).to_owned() };
    let sources: Vec<Source> = files.iter().map(source).collect();
    let found = cycles(Modules::read(&sources).imports());
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
}
