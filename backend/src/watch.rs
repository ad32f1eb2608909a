//! `mftplus watch`: shows the fleet live in a terminal. It is a client of the published GraphQL socket and of nothing
//! else.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use mftplus_protocol::backoff::Backoff;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::sleep;

mod screen;
mod socket;

use screen::Screen;
use socket::{Ended, Socket};

use crate::ids::IdGenerator;

/// The subscriptions of the screen: transfers, agents and totals.
const STREAMS: [(&str, &str); 3] = [
    (
        "transfers",
        "subscription { transferUpdated(filter: { status: [QUEUED, RUNNING] }, initial: true, throttleMs: 200) { resync \
         transfer { id source agentName status progress sizeKnown bytesTotal bytesTransferred speed etaSeconds stalled \
         errorMessage } } }",
    ),
    (
        "agents",
        "subscription { agentUpdated(initial: true, throttleMs: 1000) { resync agent { id name hostname status } } }",
    ),
    (
        "fleet",
        "subscription { fleetUpdated(initial: true) { resync fleet { agents { online busy error offline } \
         transfers { running queued } bytesPerSecond failuresInLastDay } } }",
    ),
];

const LOGIN: &str =
    "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { token } }";

/// The delays between attempts to connect.
const PAUSES: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(15));

/// The server to watch, and the credentials.
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// URL of the server
    #[arg(long, env = "MFTPLUS_URL", hide_env_values = true, default_value = "http://127.0.0.1:8080", value_name = "URL",
        value_parser = socket::server_url)]
    url: String,

    /// Access token, such as one that `mftplus token` prints
    #[arg(long, env = "MFTPLUS_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<SecretString>,

    /// Sign in with this e-mail address instead; asks for the password
    #[arg(long, env = "MFTPLUS_EMAIL", value_name = "EMAIL", conflicts_with = "token")]
    email: Option<String>,
}

/// Watches until the program is interrupted. `ask_password` is called if the user signs in with an e-mail address.
///
/// # Errors
///
/// A message that says what failed: there is no socket at the address, or the server refuses the token.
pub async fn run(args: WatchArgs, ask_password: impl FnOnce() -> Result<String>) -> Result<()> {
    let url = socket::address(&args.url);
    let mut screen = Screen::new(&args.url);
    let mut failures = 0;
    let token = match (args.token, args.email) {
        (Some(token), _) => token,
        (None, Some(email)) => {
            let password = ask_password()?;
            loop {
                match sign_in(&url, &email, &password).await {
                    Ok(token) => break token,
                    Err(ended) => wait(ended, &args.url, &screen, &mut failures).await?,
                }
            }
        }
        (None, None) => bail!("give a token (--token, MFTPLUS_TOKEN), or sign in with --email"),
    };
    loop {
        let Err(ended) = follow(&url, &token, &mut screen, &mut failures).await;
        wait(ended, &args.url, &screen, &mut failures).await?;
    }
}

/// Waits before the next attempt to connect, longer each time. Returns an error if another attempt makes no sense.
async fn wait(ended: Ended, url: &str, screen: &Screen, failures: &mut u32) -> Result<()> {
    match ended {
        Ended::Refused(reason) => bail!("{url}: {reason}"),
        Ended::Lost(reason) => {
            *failures = failures.saturating_add(1);
            let mut random = [0];
            IdGenerator::system().fill(&mut random);
            let wait = PAUSES.jittered(*failures, f64::from(random[0]) / 256.0);
            screen.lost(&reason, wait);
            sleep(wait).await;
            Ok(())
        }
    }
}

/// Receives updates until the connection ends.
async fn follow(
    url: &str,
    token: &SecretString,
    screen: &mut Screen,
    failures: &mut u32,
) -> Result<std::convert::Infallible, Ended> {
    let mut socket = Socket::open(url, Some(token.expose_secret())).await?;
    screen.connected();
    let mut generation = 0_u32;
    for (stream, query) in STREAMS {
        socket.subscribe(&name(stream, generation), query, &json!({})).await?;
    }
    loop {
        let (id, data) = socket.next().await?;
        // A server that accepts the connection and then closes it counts like an unavailable one.
        *failures = 0;
        // A late message of an earlier subscription is ignored.
        let Some((stream, _)) = STREAMS.iter().find(|(stream, _)| id == name(stream, generation)) else { continue };
        let Some(update) = data.as_object().and_then(|data| data.values().next()) else { continue };
        if update["resync"] == Value::Bool(true) {
            for (stream, _) in STREAMS {
                socket.complete(&name(stream, generation)).await?;
            }
            generation += 1;
            screen.clear();
            for (stream, query) in STREAMS {
                socket.subscribe(&name(stream, generation), query, &json!({})).await?;
            }
            continue;
        }
        match *stream {
            "transfers" => screen.transfer(&update["transfer"]),
            "agents" => screen.agent(&update["agent"]),
            _ => screen.fleet(&update["fleet"]),
        }
    }
}

fn name(stream: &str, generation: u32) -> String {
    format!("{stream}-{generation}")
}

async fn sign_in(url: &str, email: &str, password: &str) -> Result<SecretString, Ended> {
    let mut socket = Socket::open(url, None).await?;
    socket.subscribe("login", LOGIN, &json!({ "email": email, "password": password })).await?;
    let (_, data) = socket.next().await?;
    match data["login"]["token"].as_str() {
        Some(token) => Ok(token.to_owned().into()),
        None => Err(Ended::Refused("the server returned no token".to_owned())),
    }
}
