//! The settings. Each is a flag, an environment variable and a key of the settings file, in this order of precedence.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Command};
use ipnet::IpNet;
use secrecy::SecretString;

use crate::{
    rate_limits::Quotas,
    transport::{PublicUrl, parse_origin},
};

mod certificate_and_key_paths;
mod listen;

pub use certificate_and_key_paths::CertificateFiles;
pub use listen::ListenAddress;

/// The location of the database.
#[derive(Args, Clone, Debug)]
pub struct DatabaseSettings {
    /// Folder for the SQLite database and the secrets that go with it
    #[arg(long, env = "MFTPLUS_DATA_DIR", default_value = "./data", value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// PostgreSQL database, as `postgres://user:password@host/database`; SQLite in the data folder if unset
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    pub database_url: Option<SecretString>,
}

/// The settings of `mftplus serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeSettings {
    /// The location of the database.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Address of the API; `:8080` means all addresses of the machine, a name means all its addresses
    #[arg(long, env = "MFTPLUS_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: ListenAddress,

    /// Certificate of the server (PEM, with the chain) for TLS on --listen; read again when it changes; needs --tls-key
    #[arg(long, env = "MFTPLUS_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert (PEM)
    #[arg(long, env = "MFTPLUS_TLS_KEY", hide_env_values = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Address on which agents authenticate with client certificates; same forms as --listen; none if unset
    #[arg(long, env = "MFTPLUS_MTLS_LISTEN", value_name = "ADDRESS:PORT")]
    pub mtls_listen: Option<ListenAddress>,

    /// Certificate of the authority that signs client certificates (PEM); one is generated if unset; needs --ca-key
    #[arg(long, env = "MFTPLUS_CA_CERT", value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,

    /// Private key of --ca-cert (PEM)
    #[arg(long, env = "MFTPLUS_CA_KEY", hide_env_values = true, value_name = "FILE")]
    pub ca_key: Option<PathBuf>,

    /// Address of the Prometheus metrics, which are at /metrics; same forms as --listen
    #[arg(long, env = "MFTPLUS_METRICS_LISTEN", default_value = "127.0.0.1:9464", value_name = "ADDRESS:PORT")]
    pub metrics_listen: ListenAddress,

    /// Redis that connects several servers on one PostgreSQL database, as redis://host:port; one server needs none
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL", value_parser = redis_url)]
    pub redis_url: Option<SecretString>,

    /// E-mail address of the first administrator, who is created at the first start
    #[arg(long, env = "MFTPLUS_ADMIN_EMAIL", default_value = "admin@localhost", value_name = "EMAIL",
        value_parser = crate::model::account::check_email)]
    pub admin_email: String,

    /// Password of the first administrator, at least 12 characters; one is generated and printed once if unset
    #[arg(long, env = "MFTPLUS_ADMIN_PASSWORD", hide_env_values = true, value_name = "PASSWORD", value_parser = admin_password)]
    pub admin_password: Option<SecretString>,

    /// Requests per minute for each class, or off; a class that is not named keeps its default
    #[arg(
        long,
        env = "MFTPLUS_RATE_LIMITS",
        default_value = "register=10,login=10,user=60,agent=300,graphql=600",
        value_name = "LIMITS"
    )]
    pub rate_limits: Quotas,

    /// Interval at which agents send heartbeats; after three missed ones an agent is offline
    #[arg(long, env = "MFTPLUS_HEARTBEAT_INTERVAL", default_value = "30s", value_name = "DURATION",
        value_parser = |text: &str| duration(text, 1, 3600))]
    pub heartbeat_interval: Duration,

    /// Time without progress after which a running transfer is stalled
    #[arg(long, env = "MFTPLUS_STALLED_AFTER", default_value = "1m", value_name = "DURATION",
        value_parser = |text: &str| duration(text, 1, 86_400))]
    pub stalled_after: Duration,

    /// How long the server waits for running work whose agent is offline; then the work fails
    #[arg(long, env = "MFTPLUS_LEASE", default_value = "5m", value_name = "DURATION",
        value_parser = |text: &str| duration(text, 1, 86_400))]
    pub lease: Duration,

    /// Retention of the slot history of jobs and pipelines
    #[arg(long, env = "MFTPLUS_SLOTS_KEPT", default_value = "90d", value_name = "DURATION",
        value_parser = |text: &str| duration(text, 86_400, 315_576_000))]
    pub slots_kept: Duration,

    /// Networks that webhooks may reach although they are not public, such as `10.0.0.0/8,127.0.0.1`
    #[arg(long, env = "MFTPLUS_WEBHOOK_NETWORKS", value_delimiter = ',', value_name = "NETWORKS", value_parser = network)]
    pub webhook_networks: Vec<IpNet>,

    /// URL at which clients reach this server through a proxy, such as `https://example.com/mft`; it may have a path
    #[arg(long, env = "MFTPLUS_PUBLIC_URL", hide_env_values = true, value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Networks of proxies whose X-Forwarded-For is trusted, such as `10.0.0.0/8,::1/128`
    #[arg(long, env = "MFTPLUS_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORKS", value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Origins whose pages may use GraphQL from a browser, beside the server's own, such as `https://fleet.example.com`
    #[arg(long, env = "MFTPLUS_ALLOWED_ORIGINS", hide_env_values = true, value_delimiter = ',', value_name = "ORIGINS", value_parser = origin)]
    pub allowed_origins: Vec<String>,

    /// Maximum size of a GraphQL answer, in bytes, KiB or MiB; an error replaces a larger answer
    #[arg(long, env = "MFTPLUS_GRAPHQL_RESPONSE_LIMIT", default_value = "8MiB", value_name = "SIZE", value_parser = response_limit)]
    pub graphql_response_limit: usize,

    /// Ed25519 private key (PKCS#8, PEM) to sign tokens with; a generated secret is used if unset
    #[arg(long, env = "MFTPLUS_JWT_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    pub jwt_key_file: Option<PathBuf>,
}

impl ServeSettings {
    /// Returns the files of the server's TLS certificate and private key; `None` if neither setting is given.
    ///
    /// # Errors
    ///
    /// A message that names the missing setting, if only one of the two is given.
    pub fn tls_files(&self) -> Result<Option<CertificateFiles>, String> {
        let (certificate, key) = (self.tls_cert.as_deref(), self.tls_key.as_deref());
        CertificateFiles::of("MFTPLUS_TLS_CERT", certificate, "MFTPLUS_TLS_KEY", key)
    }

    /// Returns the files of the certificate authority for client certificates; `None` if neither setting is given.
    ///
    /// # Errors
    ///
    /// A message that names the missing setting, if only one of the two is given.
    pub fn authority_files(&self) -> Result<Option<CertificateFiles>, String> {
        let (certificate, key) = (self.ca_cert.as_deref(), self.ca_key.as_deref());
        CertificateFiles::of("MFTPLUS_CA_CERT", certificate, "MFTPLUS_CA_KEY", key)
    }
}

/// The settings of the log.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// What to log, as a level or as target=level pairs
    #[arg(long, global = true, env = "MFTPLUS_LOG", default_value = "info", value_name = "FILTER", value_parser = log_filter)]
    pub log: String,

    /// Log as JSON, one object per line
    #[arg(long, global = true, env = "MFTPLUS_LOG_JSON", num_args = 0..=1, require_equals = true,
        default_value = "false", default_missing_value = "true", value_name = "BOOL")]
    pub log_json: bool,
}

fn database_url(text: &str) -> Result<SecretString, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(text.to_owned().into())
    } else {
        Err("must begin with postgres:// (leave it unset for SQLite in the data folder)".to_owned())
    }
}

fn redis_url(text: &str) -> Result<SecretString, String> {
    match redis::Client::open(text) {
        Ok(_) => Ok(text.to_owned().into()),
        Err(_) => Err("must be of the form redis://host:port".to_owned()),
    }
}

fn admin_password(text: &str) -> Result<SecretString, String> {
    crate::model::account::check_password(text).map(|()| text.to_owned().into())
}

/// Reads a duration of any length.
///
/// # Errors
///
/// A message without the name of the setting, which the caller puts before it.
pub fn any_duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "must be a duration such as 30s or 5m")
}

fn duration(text: &str, least: u64, most: u64) -> Result<Duration, String> {
    let duration = any_duration(text)?;
    if duration < Duration::from_secs(least) || duration > Duration::from_secs(most) || duration.subsec_nanos() != 0 {
        return Err(format!(
            "must be whole seconds, {least}s to {}",
            humantime::format_duration(Duration::from_secs(most))
        ));
    }
    Ok(duration)
}

fn response_limit(text: &str) -> Result<usize, String> {
    let (number, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(number), _) => (number, 1024),
        (_, Some(number)) => (number, 1024 * 1024),
        _ => (text, 1),
    };
    let bytes = number.trim().parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    let bytes = bytes.filter(|bytes| (64 * 1024..=1024 * 1024 * 1024).contains(bytes));
    bytes.ok_or_else(|| "must be a size from 64KiB to 1024MiB".to_owned())
}

fn network(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    let network = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    network.map_err(|_| "must be a network such as 10.0.0.0/8")
}

fn origin(text: &str) -> Result<String, &'static str> {
    let text = text.trim().trim_end_matches('/');
    match parse_origin(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("must be an origin such as https://fleet.example.com, without user and path"),
    }
}

fn log_filter(text: &str) -> Result<String, &'static str> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be a level such as info, or target=level pairs such as info,mftplus=debug"),
    }
}

/// Sets the values of a settings file as the defaults of the flags with the same names, so that flags and environment
/// variables take precedence.
///
/// # Errors
///
/// One line that names the file and the problem: it cannot be read, is not TOML, has an unknown key, or has a value
/// that is neither text, a number nor a boolean.
pub fn with_file(mut command: Command, path: &Path) -> Result<Command, String> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("--config {file}: {error}"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        format!("--config {file}: {}", error.message().lines().next().unwrap_or("not TOML"))
    })?;
    for (key, value) in table {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => return Err(format!("--config {file}: `{key}` must be text, a number or true or false")),
        };
        let id = key.replace('-', "_");
        let is_known = set_default(&mut command, &id, &value);
        if !is_known {
            return Err(format!("--config {file}: there is no setting `{key}`; `mftplus serve --help` lists them"));
        }
    }
    Ok(command)
}

/// Sets the default of a setting in every subcommand that has it. Returns whether there is one.
fn set_default(command: &mut Command, id: &str, value: &str) -> bool {
    let mut is_known = command.get_arguments().any(|arg| arg.get_id() == id && arg.get_env().is_some());
    if is_known {
        let value = value.to_owned();
        *command = std::mem::take(command).mut_arg(id, |arg| {
            // A value that help hides from the environment is hidden when it comes from the file as well.
            let is_secret = arg.is_hide_env_values_set();
            arg.default_value(value).hide_default_value(is_secret)
        });
    }
    for subcommand in command.get_subcommands_mut() {
        is_known |= set_default(subcommand, id, value);
    }
    is_known
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://fleet.example.com", Some("https://fleet.example.com"))]
    #[case(" http://127.0.0.1:8080/ ", Some("http://127.0.0.1:8080"))]
    #[case("https://user:secret@fleet.example.com", None)]
    #[case("https://user@fleet.example.com", None)]
    #[case("https://fleet.example.com/path", None)]
    #[case("https://fleet.example.com?x", None)]
    #[case("https://fleet.example.com:99999", None)]
    #[case("fleet.example.com", None)]
    #[case("https://", None)]
    #[case("null", None)]
    fn only_an_origin_that_a_browser_can_send_is_accepted(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(origin(text).ok().as_deref(), expected);
    }

    #[test]
    fn a_wrong_log_filter_is_refused_with_its_form() {
        assert!(log_filter("info,mftplus=debug").is_ok());
        assert!(log_filter("mftplus=loud").is_err_and(|problem| problem.contains("mftplus=debug")));
    }
}
