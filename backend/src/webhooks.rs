//! Sending webhooks to where they may go.
//!
//! A pipeline names any URL, and the server stands in a network that its author does not. So a name is resolved once,
//! every address of it is checked, and the connection goes to a checked address, whatever the name means a moment later.
//! Redirects are not followed and no proxy is asked: either would lead elsewhere.

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

mod checked;
mod permits;
mod ssrf;
#[cfg(test)]
mod tests;

use checked::{CheckedAddresses, Held};
pub use permits::{Permit, Permits, Waiting};

/// How long a webhook may take in all.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes that are sent, and the most that are read of an answer.
pub const MAX_BYTES: usize = 64 * 1024;

/// Webhooks that a server sends at once. Each has a task, at most [`FILES`] file descriptors, and a connection of the
/// database for a moment: so their number must not be for clients to choose.
pub const MAX_AT_ONCE: usize = 64;
/// Of these, webhooks of one customer: a receiver that never answers keeps each of them for [`PATIENCE`], and must not
/// keep those of other customers waiting.
pub const MAX_PER_CUSTOMER: usize = 8;
/// File descriptors of a webhook: while it is connected an address of either family may be tried.
pub const FILES: usize = 2;

/// Finds the addresses of a host.
type Lookup = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Sends webhooks.
#[derive(Clone)]
pub struct Webhooks {
    allowed: Arc<[IpNet]>,
    look_up: Lookup,
    patience: Duration,
    checked: CheckedAddresses,
    /// One for all webhooks, made with the first of them: reading the certificates that it trusts takes a while.
    client: Arc<OnceCell<Client>>,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Resolve for CheckedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        // The client puts the port of the URL in the place of 0.
        let addresses = self.of(name.as_str()).map(|address| SocketAddr::new(address, 0));
        let addresses: Addrs = Box::new(addresses);
        Box::pin(ready(Ok(addresses)))
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where to.
    pub url: String,
    /// What.
    pub body: String,
    /// What that is.
    pub content_type: &'static str,
    /// Names this attempt, so that its receiver can tell a repetition.
    pub id: String,
    /// What proves where it comes from, if there is a secret to prove it with.
    pub signature: Option<String>,
    /// How long it may take, if that is less than [`PATIENCE`].
    pub timeout: Option<Duration>,
}

impl Webhooks {
    /// Sends to public addresses and to those in `allowed`.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        let look_up: Lookup = Arc::new(|host, port| Box::pin(addresses(host, port)));
        let (checked, client) = (CheckedAddresses::default(), Arc::default());
        Self { allowed: allowed.into(), look_up, patience: PATIENCE, checked, client }
    }

    /// Sends one, once.
    ///
    /// # Errors
    ///
    /// A sentence saying why it did not arrive, or how it was refused.
    pub async fn post(&self, delivery: Delivery) -> Result<(), String> {
        if delivery.body.len() > MAX_BYTES {
            return Err(format!("the body is larger than {} KiB", MAX_BYTES / 1024));
        }
        let patience = delivery.timeout.map_or(self.patience, |limit| limit.min(self.patience));
        match timeout(patience, self.send(delivery)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("it was not answered within {} s", patience.as_secs_f64())),
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
        // The answer was given; what else it says is read so that nobody is cut off, and is of no interest.
        let mut read = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            read += chunk.len();
            if read > MAX_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// Checks the addresses of this URL's host. Only these are connected to for as long as they are held.
    async fn check(&self, url: &Url) -> Result<Held, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the URL must begin with https:// or http://".to_owned());
        }
        let (host, port) = url.host().zip(url.port_or_known_default()).ok_or("the URL names no host")?;
        let found = match &host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => (self.look_up)((*name).to_owned(), port).await.unwrap_or_default(),
        };
        if found.is_empty() {
            return Err(format!("{host} was not found"));
        }
        // One that is forbidden among others would be enough for somebody who asks often.
        if found.iter().any(|address| !self.may_reach(*address)) {
            return Err(format!("{host} is not at a public address, and its network is not allowed by the settings"));
        }
        // An address in the URL is reached as it stands; for any name there is but one answer.
        Ok(self.checked.hold(host.to_string(), found))
    }

    /// The client. Of a name it knows the addresses that are held, and no others; and it keeps no connection, so the next
    /// webhook to the same name goes to an address that was checked for it.
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

/// Whether an answer says that the webhook was taken.
fn verdict(status: StatusCode) -> Result<(), String> {
    if status.is_success() {
        Ok(())
    } else if status.is_redirection() {
        Err(format!("it answered {status}; redirects are not followed: name the final URL"))
    } else {
        Err(format!("it answered {status}"))
    }
}

/// What is at the bottom of an error. The rest of it names the URL, which may hold what is nobody else's business.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("it was not reached: {cause}")
}
