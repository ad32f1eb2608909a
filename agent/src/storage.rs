//! Where files are: local paths, the folders this agent may access, folders on SFTP and FTP servers, and the agent's own state
//! files. Blocking; knows nothing of the control plane.

pub(crate) mod allowed_roots;
pub(crate) mod copy_paths;
#[expect(dead_code, reason = "kinds of errors for the protocols to come")]
pub(crate) mod error;
#[cfg_attr(not(test), expect(dead_code, reason = "the connections to the servers of the configuration follow"))]
pub(crate) mod ftp;
pub(crate) mod job_paths;
pub(crate) mod local;
pub(crate) mod open;
pub(crate) mod part_name;
pub(crate) mod path_text;
pub(crate) mod pattern;
pub(crate) mod sandboxed_path;
#[cfg_attr(not(test), expect(dead_code, reason = "the connections to the servers of the configuration follow"))]
pub(crate) mod sftp;
pub(crate) mod state_file;
#[cfg_attr(not(test), expect(dead_code, reason = "the protocols that use it follow"))]
pub(crate) mod transfer_storage;
pub(crate) mod usage_error;
