//! The files that may declare routes. Every other route is an operation of the OpenAPI document, and so in the access
//! table.

use std::{fs, path::Path};

#[test]
fn no_route_is_outside_the_document_but_graphql_the_documents_themselves_and_the_metrics() {
    fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found, root);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let is_routing = [".route(", ".route_service(", ".nest(", ".nest_service("];
                if is_routing.iter().any(|call| text.contains(call)) {
                    found.push(path.strip_prefix(root).expect("below the root").display().to_string());
                }
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found, &root);
    found.sort();
    assert_eq!(found, ["graphql.rs", "rest/api_docs.rs", "server.rs"]);
}
