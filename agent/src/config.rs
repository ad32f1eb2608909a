//! The settings of the agent: the file `mftplus-agent.toml`, and what its values mean. All other modules may import
//! this one, so it imports none of them.

pub(crate) mod bandwidth_limits;
pub(crate) mod credentials_and_endpoints;
#[cfg(test)]
mod documentation_tests;
pub(crate) mod endpoint_lookup;
pub(crate) mod file;
pub(crate) mod file_permissions;
pub(crate) mod locate;
pub(crate) mod proxy;
pub(crate) mod reloadable_config;
pub(crate) mod resolved_endpoint;
pub(crate) mod secret;
mod section_names;
mod serde_field_names;
pub(crate) mod server_address;
mod source_text;
pub(crate) mod template;

/// Why the configuration cannot be used. The message says where the problem is and what to do, and contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(pub(crate) String);
