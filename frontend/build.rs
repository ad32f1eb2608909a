//! Registers the server's schema, against which the fragments in `src/api` are checked.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    cynic_codegen::register_schema("mftplus").from_sdl_file("../schema.graphql")?.as_default()?;
    Ok(())
}
