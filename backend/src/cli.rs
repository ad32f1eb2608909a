//! The command line of `mftplus`: its commands, and the functions that run them.

use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use strum::VariantNames;

use crate::{
    actor::Actor,
    app::{self, App},
    config::{self, DatabaseSettings, LogSettings, ServeSettings},
    graphql,
    ids::CustomerId,
    model::{
        FromFields,
        account::{CreateUser, Role},
        customer::CreateCustomer,
        enrolment_code::{CreateEnrolmentCode, MAX_USES},
        redaction::holds_password,
    },
    rest, server, telemetry,
    watch::{self, WatchArgs},
};

/// MFTPlus: managed file transfer, in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "mftplus",
    version,
    max_term_width = 100,
    after_help = "Every setting is a flag, an environment variable \
    and a key of the settings file. If it is given several times, the first of these applies."
)]
pub struct Cli {
    /// Settings file (TOML): keys are the long names of flags, such as listen = "0.0.0.0:8080"
    #[arg(long, env = "MFTPLUS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    log: LogSettings,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<ServeSettings>),
    /// Run the reference agent on this machine
    Agent(mftplus_agent::AgentArgs),
    /// Manage users
    #[command(subcommand)]
    User(UserCommand),
    /// Manage customers
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Manage enrolment codes, with which agents register
    #[command(subcommand)]
    EnrolCode(EnrolCodeCommand),
    /// Print an access token for a user; needs no password
    #[command(after_help = "Example:\n  curl -H \"Authorization: Bearer $(mftplus token admin@localhost)\" \
        http://127.0.0.1:8080/api/transfers")]
    Token(TokenArgs),
    /// Run the database migrations, as `serve` does when it starts
    Migrate(DatabaseSettings),
    /// Print the OpenAPI 3.1 document of the API
    Openapi {
        /// Print JSON instead of YAML
        #[arg(long)]
        json: bool,
    },
    /// Print the GraphQL schema
    Schema,
    /// Watch transfers, agents and totals live in the terminal
    #[command(after_help = "Example:\n  mftplus watch --token \"$(mftplus token admin@localhost)\"")]
    Watch(WatchArgs),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a user
    #[command(
        after_help = "Example:\n  mftplus user add ops@acme.example --role customer --customer Acme --password-stdin < password.txt"
    )]
    Add(UserArgs),
}

#[derive(Debug, clap::Args)]
struct UserArgs {
    /// E-mail address of the user
    email: String,
    /// Role of the user
    #[arg(long, value_parser = role_parser())]
    role: Role,
    /// Customer of the user, by id or name; required for the role customer
    #[arg(long, value_name = "ID_OR_NAME")]
    customer: Option<String>,
    /// Read the password from standard input; without this flag one is generated and printed
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    database: DatabaseSettings,
}

#[derive(Debug, Subcommand)]
enum CustomerCommand {
    /// Add a customer and print its id
    Add {
        /// Name of the customer
        name: String,
        #[command(flatten)]
        database: DatabaseSettings,
    },
}

#[derive(Debug, Subcommand)]
enum EnrolCodeCommand {
    /// Add an enrolment code and print it; it is shown only once
    #[command(after_help = "Example:\n  mftplus enrol-code add --customer Acme --max-uses 10 --expires-in 1h")]
    Add(EnrolCodeArgs),
}

#[derive(Debug, clap::Args)]
struct EnrolCodeArgs {
    /// Customer whose agents register with the code, by id or name
    #[arg(long, value_name = "ID_OR_NAME")]
    customer: String,
    /// Maximum number of agents that may register with the code; no limit if omitted
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=MAX_USES), value_name = "N")]
    max_uses: Option<i64>,
    /// How long the code is valid, such as 1h or 7d; no expiry if omitted
    #[arg(long, value_parser = config::any_duration, value_name = "DURATION")]
    expires_in: Option<Duration>,
    #[command(flatten)]
    database: DatabaseSettings,
}

#[derive(Debug, clap::Args)]
struct TokenArgs {
    /// E-mail address of the user
    email: String,
    /// How long the token is valid, at most 7 days
    #[arg(long, default_value = "1h", value_parser = token_life, value_name = "DURATION")]
    ttl: Duration,
    /// Private key with which the server signs tokens, if it has --jwt-key-file
    #[arg(long, env = "MFTPLUS_JWT_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    jwt_key_file: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseSettings,
}

/// Parses the name of a role.
fn role_parser() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::VARIANTS.iter().copied()).try_map(|name| name.parse::<Role>())
}

fn token_life(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(life) if (1..=7 * 86_400).contains(&life.as_secs()) => Ok(life),
        _ => Err("must be a duration from 1s to 7d".to_owned()),
    }
}

/// Parses the command line and the settings file.
///
/// # Errors
///
/// The exit code, after the help or the error was printed.
pub fn parse() -> Result<Cli, ExitCode> {
    let mut command = command();
    // The path of the file is needed before the rest is parsed.
    if let Some(path) = config_path() {
        command = config::with_file(command, &path).map_err(|problem| refuse(&problem))?;
    }
    let matches = command.try_get_matches().map_err(|error| wrong(&error))?;
    Cli::from_arg_matches(&matches).map_err(|error| wrong(&error))
}

/// The command line. `--config` is also accepted after every command except `agent`, whose own `--config` names the
/// configuration of the agent.
fn command() -> clap::Command {
    let mut command = Cli::command();
    let config = command.get_arguments().find(|arg| arg.get_id() == "config").cloned();
    if let Some(config) = config {
        for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "agent") {
            *subcommand = std::mem::take(subcommand).arg(config.clone().global(true));
        }
    }
    command
}

fn config_path() -> Option<PathBuf> {
    let mut args = std::env::args_os().skip(1);
    let mut is_before_command = true;
    while let Some(arg) = args.next() {
        if is_before_command && arg == "--log" {
            args.next();
        } else if is_before_command && !arg.as_encoded_bytes().starts_with(b"-") {
            is_before_command = false;
            if arg == "agent" {
                break;
            }
        }
        if arg == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    std::env::var_os("MFTPLUS_CONFIG").map(PathBuf::from)
}

fn refuse(problem: &str) -> ExitCode {
    eprintln!("mftplus: {problem}");
    ExitCode::from(2)
}

/// Prints an invalid setting as one line that names it, and any other message as clap formats it.
fn wrong(error: &clap::Error) -> ExitCode {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let is_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    if let (true, Some(arg), Some(value)) = (is_value, text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) {
        let reason = std::error::Error::source(error);
        let reason = reason.map_or_else(|| "is not one of its values".to_owned(), ToString::to_string);
        let flag = arg.split([' ', '=']).next().unwrap_or(&arg).trim_start_matches('-').to_owned();
        return refuse(&format!("{}: {reason}{}", named(&flag), shown(&flag, &value)));
    }
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The name of the flag, with its environment variable if it has one.
fn named(flag: &str) -> String {
    let command = Cli::command();
    match argument(&command, flag).and_then(clap::Arg::get_env).and_then(|name| name.to_str()) {
        Some(variable) => format!("{variable} (--{flag})"),
        None => format!("--{flag}"),
    }
}

/// The value as an error message quotes it. Empty if the value may contain a secret: if the help hides the values of
/// the flag, if the value holds a password, or if it has an `@` and the flag is not for an e-mail address.
fn shown(flag: &str, value: &str) -> String {
    let is_hidden = argument(&Cli::command(), flag).is_some_and(clap::Arg::is_hide_env_values_set);
    let holds_user = value.contains('@') && !flag.ends_with("email");
    if is_hidden || holds_user || holds_password(value) { String::new() } else { format!(" (it is `{value}`)") }
}

/// The argument with this flag, of the command or of one of its subcommands.
fn argument<'a>(command: &'a clap::Command, flag: &str) -> Option<&'a clap::Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(flag));
    own.or_else(|| command.get_subcommands().find_map(|command| argument(command, flag)))
}

/// Runs the command.
///
/// # Errors
///
/// The reason for the operator; the caller prints it.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    let logs = telemetry::start_logging(&cli.log);
    match cli.command {
        Command::Serve(settings) => {
            let serving = server::serve(&settings, server::signals::stop_requested);
            tokio::select! {
                served = serving => served?,
                () = server::signals::at_hangup(|| reload(&logs)) => {}
            }
        }
        Command::Agent(args) => return mftplus_agent::run(args).await,
        Command::User(UserCommand::Add(args)) => add_user(args).await?,
        Command::Customer(CustomerCommand::Add { name, database }) => add_customer(name, &database).await?,
        Command::EnrolCode(EnrolCodeCommand::Add(args)) => add_enrol_code(args).await?,
        Command::Token(args) => print_token(args).await?,
        Command::Migrate(database) => {
            app::open(&database).await?.close().await;
            println!("The schema is up to date.");
        }
        Command::Openapi { json } => {
            let document = rest::document();
            println!("{}", if json { document.to_pretty_json()? } else { document.to_yaml()? });
        }
        Command::Schema => print!("{}", graphql::document()),
        Command::Watch(args) => watch::run(args, read_password).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add_user(args: UserArgs) -> Result<()> {
    let generated =
        if args.password_stdin { None } else { Some(crate::ids::IdGenerator::system().secret("")[..20].to_owned()) };
    let password = match &generated {
        Some(password) => password.clone(),
        None => read_password()?,
    };
    let app = App::for_command(&args.database, None).await?;
    let customer = match &args.customer {
        Some(customer) => Some(customer_id(&app, customer).await?),
        None => None,
    };
    let mut fields = serde_json::Map::new();
    fields.insert("email".to_owned(), args.email.into());
    fields.insert("password".to_owned(), password.into());
    fields.insert("role".to_owned(), args.role.to_string().into());
    fields.insert("customerId".to_owned(), customer.map(|id| id.to_string()).into());
    let input = CreateUser::read(fields)?;
    let is_admin = input.role == Role::Admin;
    let user = app.cp.create_user(&Actor::System, input, None).await?;
    println!("{} {} added", if is_admin { "Administrator" } else { "User" }, user.email);
    if let Some(password) = generated {
        println!("Password: {password}");
    }
    app.close().await;
    Ok(())
}

fn read_password() -> Result<String> {
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprintln!("Password, then Ctrl-D:");
    }
    let mut password = String::new();
    stdin.read_to_string(&mut password).context("the password cannot be read from standard input")?;
    Ok(password.trim_end_matches(['\r', '\n']).to_owned())
}

async fn add_customer(name: String, database: &DatabaseSettings) -> Result<()> {
    let mut fields = serde_json::Map::new();
    fields.insert("name".to_owned(), name.into());
    let input = CreateCustomer::read(fields)?;
    let app = App::for_command(database, None).await?;
    println!("{}", app.cp.create_customer(&Actor::System, input, None).await?.id);
    app.close().await;
    Ok(())
}

async fn add_enrol_code(args: EnrolCodeArgs) -> Result<()> {
    let app = App::for_command(&args.database, None).await?;
    let customer = customer_id(&app, &args.customer).await?;
    let expires_at = match args.expires_in {
        Some(life) => {
            let end = TimeDelta::from_std(life).ok().and_then(|life| app.cp.now().checked_add_signed(life));
            Some(end.context("--expires-in: the expiry time is too far in the future: give a shorter duration")?)
        }
        None => None,
    };
    let input = CreateEnrolmentCode { expires_at, max_uses: args.max_uses };
    println!("{}", app.cp.create_enrolment_code(&Actor::System, customer, input).await?.code);
    app.close().await;
    Ok(())
}

async fn print_token(args: TokenArgs) -> Result<()> {
    let app = App::for_command(&args.database, args.jwt_key_file.as_deref()).await?;
    let life = TimeDelta::from_std(args.ttl)?;
    let signed_in = app.cp.issue_token(&Actor::System, &args.email, life).await;
    let signed_in = signed_in.with_context(|| format!("cannot create a token for {}", args.email))?;
    println!("{}", signed_in.token);
    app.close().await;
    Ok(())
}

async fn customer_id(app: &App, id_or_name: &str) -> Result<CustomerId> {
    match app.cp.find_customer(&Actor::System, id_or_name).await {
        Ok(customer) => Ok(customer.id),
        Err(error) => bail!("--customer {id_or_name}: {error}"),
    }
}

/// Reads the settings again and applies those that can change while the server runs: the log filter.
fn reload(logs: &telemetry::Logs) {
    if let Ok(cli) = parse() {
        logs.set_filter(&cli.log.log);
        tracing::info!(
            filter = cli.log.log,
            "the settings were read again: the log filter applies, other settings need a restart"
        );
    } else {
        // The problem has been printed.
        tracing::warn!("the settings could not be read again: the current ones remain in force");
    }
}
