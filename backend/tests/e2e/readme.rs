//! The README's examples, run as they stand there.

use std::{fs, process::Command};

use crate::process::{MFTPLUS, Server};

#[tokio::test]
async fn the_curl_examples_of_the_readme_work_as_they_stand() {
    let server = Server::start(&[]).await;
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("the README");
    let section = readme.split("## Try it with curl").nth(1).expect("its section");
    let section = section.split("\n## ").next().unwrap_or(section);
    let blocks = section.split("```bash\n").skip(1).filter_map(|block| block.split("```").next());
    let script: String = blocks.collect();
    assert!(script.matches("curl ").count() >= 5, "the section holds its examples");
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
