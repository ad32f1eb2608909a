//! The file system: paths, the folders this agent may access, and the agent's own state files. Blocking; knows no server.

pub(crate) mod allowed_roots;
pub(crate) mod copy_paths;
pub(crate) mod job_paths;
pub(crate) mod part_name;
pub(crate) mod path_text;
pub(crate) mod pattern;
pub(crate) mod sandboxed_path;
pub(crate) mod state_file;
pub(crate) mod usage_error;
