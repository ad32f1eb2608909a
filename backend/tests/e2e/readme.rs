//! The curl examples of the documentation, run as they are written.

use std::{fs, process::Command};

use crate::process::{MFTPLUS, Server};

/// The tour, and the pages that continue it with its variables, in this order.
const PAGES: [&str; 5] = ["README.md", "docs/rest.md", "docs/jobs.md", "docs/pipelines.md", "docs/graphql.md"];

#[tokio::test]
async fn the_curl_examples_of_the_documentation_work_as_they_stand() {
    let server = Server::start(&[]).await;
    let mut script = String::new();
    for page in PAGES {
        let text = fs::read_to_string(format!("{}/../{page}", env!("CARGO_MANIFEST_DIR"))).expect(page);
        let blocks = text.split("```bash\n").skip(1).filter_map(|block| block.split("```").next());
        let examples: String = blocks.collect();
        assert!(examples.contains("curl "), "{page} holds its examples");
        script += &examples;
    }
    // As a reader would run it: with the binary on the PATH, and their own server's address.
    let script = script.replace("http://127.0.0.1:8080", &format!("http://{}", server.address));
    let bin = std::path::Path::new(MFTPLUS).parent().expect("its folder");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &script]).current_dir(folder.path());
    command.env("PATH", format!("{}:{}", bin.display(), env!("PATH")));
    for pair in server.database().chunks(2) {
        let name = if pair[0] == "--data-dir" { "MFTPLUS_DATA_DIR" } else { "DATABASE_URL" };
        command.env(name, &pair[1]);
    }
    let output = command.output().expect("bash");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("\"success\":false"), "{said}");
    assert!(said.contains("\"status\":\"running\""), "{said}");
}
