//! Where bytes live: paths, the folders this agent may work in, and the files below them. Blocking; knows no server.

pub(crate) mod allowed_roots;
pub(crate) mod files;
pub(crate) mod paths;
pub(crate) mod pattern;
pub(crate) mod resolve;
pub(crate) mod sandboxed_path;
