//! Access to files: local paths, the folders this agent may access, folders on SFTP and FTP servers, and the agent's
//! own state files. The interface is blocking and independent of the control plane.

pub(crate) mod allowed_roots;
pub(crate) mod background_fsync;
pub(crate) mod command_line_copy_paths;
pub(crate) mod error;
pub(crate) mod ftp;
pub(crate) mod is_disk_almost_full;
pub(crate) mod job_paths;
pub(crate) mod local;
pub(crate) mod location;
pub(crate) mod open;
pub(crate) mod part_name;
pub(crate) mod path_text;
pub(crate) mod pattern;
pub(crate) mod record_log;
pub(crate) mod sandboxed_path;
pub(crate) mod sftp;
pub(crate) mod sparse;
pub(crate) mod state_file;
pub(crate) mod storage_path;
pub(crate) mod transfer_storage;
pub(crate) mod usage_error;
