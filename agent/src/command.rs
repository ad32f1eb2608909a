//! The command line: its arguments, and one file per subcommand.

pub(crate) mod args;
pub(crate) mod check;
pub(crate) mod completions_and_man_page;
pub(crate) mod copy;
pub(crate) mod copy_args;
pub(crate) mod folder_health;
pub(crate) mod init;
pub(crate) mod install;
pub(crate) mod ls;
pub(crate) mod progress;
pub(crate) mod register;
pub(crate) mod reload_on_sighup;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod systemd_unit;
pub(crate) mod trust;
