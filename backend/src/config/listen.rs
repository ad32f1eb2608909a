//! Addresses to listen on.

use std::{fmt, net::SocketAddr, str::FromStr};

/// A host and a port. Without a host, or with `*`, it means all addresses of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: Option<String>,
    port: u16,
}

impl ListenAddress {
    /// The socket addresses, without duplicates. All addresses of the machine are `[::]` and `0.0.0.0`, in this order.
    ///
    /// # Errors
    ///
    /// An error if the host is a name that cannot be resolved.
    pub async fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        let Some(host) = &self.host else {
            return Ok(vec![([0_u16; 8], self.port).into(), ([0, 0, 0, 0], self.port).into()]);
        };
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in tokio::net::lookup_host((host.as_str(), self.port)).await? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    /// The host, as a name or an address; `None` if the setting means all addresses of the machine.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether the setting means all addresses of the machine.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.host.is_none()
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "must be of the form address:port, name:port or :port, with an IPv6 address in brackets";
        let (host, port) = text.rsplit_once(':').ok_or(FORM)?;
        let port = port.parse().map_err(|_| format!("`{port}` is not a port (0 to 65535)"))?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let address = rest.strip_suffix(']').ok_or(FORM)?;
                address.parse::<std::net::Ipv6Addr>().map_err(|_| FORM)?.to_string()
            }
            None if host.contains([':', '/', ' ']) => return Err(FORM.to_owned()),
            None => host.to_owned(),
        };
        Ok(Self { host: (!matches!(host.as_str(), "" | "*")).then_some(host), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("127.0.0.1:8080", &["127.0.0.1:8080"])]
    #[case("[::1]:8080", &["[::1]:8080"])]
    #[case(":8080", &["[::]:8080", "0.0.0.0:8080"])]
    #[case("0.0.0.0:0", &["0.0.0.0:0"])]
    #[tokio::test]
    async fn an_address_is_read_and_resolved(#[case] text: &str, #[case] wanted: &[&str]) {
        let address: ListenAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        let found = address.resolve().await.unwrap();
        assert_eq!(found, wanted.iter().map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>());
    }

    #[test]
    fn a_star_is_all_addresses() {
        assert_eq!("*:8080".parse::<ListenAddress>(), ":8080".parse());
    }

    #[tokio::test]
    async fn a_name_resolves_to_all_its_addresses() {
        let address: ListenAddress = "localhost:8080".parse().unwrap();
        let found = address.resolve().await.unwrap();
        assert!(found.iter().all(|one| one.ip().is_loopback() && one.port() == 8080) && !found.is_empty(), "{found:?}");
    }

    #[rstest::rstest]
    #[case("8080")]
    #[case("localhost")]
    #[case("localhost:http")]
    #[case("127.0.0.1:70000")]
    #[case("::1:8080")]
    #[case("[::1:8080")]
    #[case("[localhost]:8080")]
    #[case("http://localhost:8080")]
    fn an_invalid_address_is_refused(#[case] text: &str) {
        assert!(text.parse::<ListenAddress>().is_err());
    }
}
