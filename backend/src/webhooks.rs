//! Sends webhooks, protected against server-side request forgery (SSRF).
//!
//! The author of a pipeline chooses the URL, and the server may reach networks that the author cannot. So the host name
//! is resolved once, all of its addresses are checked, and the connection goes to a checked address even if the name
//! resolves differently a moment later. Redirects are not followed and no proxy is used, because both could lead to an
//! unchecked address.

use std::{
    future::ready,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::{
    Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect::Policy,
};
use tokio::{sync::OnceCell, time::timeout};
use url::{Host, Url};

mod checked_addresses;
mod permits;
mod ssrf;
#[cfg(test)]
mod tests;

use checked_addresses::{CheckedAddresses, Held};
pub use permits::{Permit, Permits, Waiting};

/// The maximum duration of a webhook, from the look-up of the host to the end of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of the body that is sent, and of the answer that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The maximum number of webhooks that a server sends at once. Each needs a task, at most [`FILES`] file descriptors
/// and, for a moment, a connection to the database, so clients must not determine their number.
pub const MAX_AT_ONCE: usize = 64;
/// The maximum number of webhooks of one customer that a server sends at once. A receiver that never answers occupies
/// each of them for [`TIMEOUT`], and must not delay the webhooks of other customers.
pub const MAX_PER_CUSTOMER: usize = 8;
/// The maximum number of file descriptors of a webhook: an IPv4 and an IPv6 address may be tried at the same time.
pub const FILES: usize = 2;

/// Resolves a host name to its addresses.
type Lookup = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Sends webhooks. Clones share the HTTP client.
#[derive(Clone)]
pub struct Webhooks {
    allowed: Arc<[IpNet]>,
    look_up: Lookup,
    timeout: Duration,
    checked: CheckedAddresses,
    /// The client of all webhooks. It is built for the first webhook, because reading the trusted certificates takes a
    /// while.
    client: Arc<OnceCell<Client>>,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Resolve for CheckedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        // The client replaces port 0 by the port of the URL.
        let addresses = self.of(name.as_str()).map(|address| SocketAddr::new(address, 0));
        let addresses: Addrs = Box::new(addresses);
        Box::pin(ready(Ok(addresses)))
    }
}

/// A webhook to send.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The URL, with the scheme `http` or `https`.
    pub url: String,
    /// The body, at most [`MAX_BYTES`].
    pub body: String,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The id of this attempt, with which the receiver recognises a repetition.
    pub id: String,
    /// The signature of the body; `None` if the customer has no webhook secret.
    pub signature: Option<String>,
    /// The timeout of the webhook. `None` and longer timeouts than [`TIMEOUT`] mean [`TIMEOUT`].
    pub timeout: Option<Duration>,
}

impl Webhooks {
    /// Creates a sender that connects to globally routable addresses and to the networks in `allowed` only.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        let look_up: Lookup = Arc::new(|host, port| Box::pin(addresses(host, port)));
        let (checked, client) = (CheckedAddresses::default(), Arc::default());
        Self { allowed: allowed.into(), look_up, timeout: TIMEOUT, checked, client }
    }

    /// Sends a webhook once.
    ///
    /// # Errors
    ///
    /// A message for the user: the URL is not allowed, the receiver could not be reached, or its answer has no status
    /// of success.
    pub async fn post(&self, delivery: Delivery) -> Result<(), String> {
        if delivery.body.len() > MAX_BYTES {
            return Err(format!("the body is larger than {} KiB", MAX_BYTES / 1024));
        }
        let limit = delivery.timeout.map_or(self.timeout, |limit| limit.min(self.timeout));
        match timeout(limit, self.send(delivery)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the receiver did not answer within {} s", limit.as_secs_f64())),
        }
    }

    async fn send(&self, delivery: Delivery) -> Result<(), String> {
        let url = Url::parse(&delivery.url).map_err(|error| format!("the URL is not valid: {error}"))?;
        let _held = self.check(&url).await?;
        let mut request = self
            .client()
            .await?
            .post(url)
            .header(CONTENT_TYPE, delivery.content_type)
            .header("X-MFTPlus-Delivery", delivery.id)
            .body(delivery.body);
        if let Some(signature) = delivery.signature {
            request = request.header("X-MFTPlus-Signature", signature);
        }
        let mut answer = request.send().await.map_err(|error| reason(&error))?;
        verdict(answer.status())?;
        // The status decides. The body is read and ignored, so that the receiver's connection is not reset.
        let mut read = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            read += chunk.len();
            if read > MAX_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// Resolves and checks the host of a URL. While the result is held, the client connects to these addresses only.
    async fn check(&self, url: &Url) -> Result<Held, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the URL must begin with https:// or http://".to_owned());
        }
        let (host, port) = url.host().zip(url.port_or_known_default()).ok_or("the URL has no host")?;
        let found = match &host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => (self.look_up)((*name).to_owned(), port).await.unwrap_or_default(),
        };
        if found.is_empty() {
            return Err(format!("the name {host} could not be resolved"));
        }
        // One forbidden address is enough to refuse: the client may choose any of them.
        if found.iter().any(|address| !self.may_reach(*address)) {
            return Err(format!("{host} is not at a public address, and its network is not allowed by the settings"));
        }
        // The client connects to an address in the URL directly, and resolves a name through these entries only.
        Ok(self.checked.hold(host.to_string(), found))
    }

    /// The HTTP client. It resolves names to the checked addresses only, and keeps no connection open, so the next
    /// webhook to the same name connects to an address that was checked for it.
    async fn client(&self) -> Result<&Client, String> {
        let build = || async {
            let client = Client::builder()
                .dns_resolver(self.checked.clone())
                .pool_max_idle_per_host(0)
                .redirect(Policy::none())
                .no_proxy()
                .user_agent(concat!("mftplus/", env!("CARGO_PKG_VERSION")));
            client.build().map_err(|error| reason(&error))
        };
        self.client.get_or_try_init(build).await
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        ssrf::is_public(address) || self.allowed.iter().any(|network| network.contains(&address))
    }
}

async fn addresses(host: String, port: u16) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.map(|address| address.ip()).collect())
}

/// An error unless the status means success.
fn verdict(status: StatusCode) -> Result<(), String> {
    if status.is_success() {
        Ok(())
    } else if status.is_redirection() {
        Err(format!("the receiver answered {status}; redirects are not followed: name the final URL"))
    } else {
        Err(format!("the receiver answered {status}"))
    }
}

/// The innermost cause of an error. The outer texts contain the URL, which may hold secrets.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("the receiver could not be reached: {cause}")
}
