//! Registers the server's schema, against which the fragments in `src/api` are checked, and tells the linker whether
//! the WebAssembly will be split.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    cynic_codegen::register_schema("mftplus").from_sdl_file("../schema.graphql")?.as_default()?;
    if std::env::var_os("CARGO_FEATURE_SPLIT").is_some() {
        // Where every address stands, without which no function can be moved to another file.
        println!("cargo::rustc-link-arg-bins=--emit-relocs");
    }
    Ok(())
}
