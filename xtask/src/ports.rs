//! Parses addresses and finds free ports for servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use crate::failure::{Context, Failure, Result};

/// Parses `ADDR:PORT` or `NAME:PORT`. A name is resolved, and its first address is returned.
pub(crate) fn parse(text: &str) -> Result<SocketAddr> {
    let mut addresses =
        text.to_socket_addrs().context(format_args!("`{text}` is not an address such as 127.0.0.1:8080"))?;
    addresses.next().ok_or_else(|| Failure::Failed(format!("`{text}` names no address")))
}

/// A port of 127.0.0.1 on which no program listens at the moment.
pub(crate) fn free() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr().context("cannot find a free port")?.port())
}

/// Returns `wanted` if no program listens on it, otherwise the same IP address with a free port.
pub(crate) fn free_near(wanted: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(wanted)
        .or_else(|_| TcpListener::bind((wanted.ip(), 0)))
        .context(format_args!("cannot listen on {}", wanted.ip()))?;
    listener.local_addr().context("cannot read the port")
}

/// The address at which clients on this machine reach a server that listens on `address`: loopback if it listens on all
/// addresses.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_reached_over_loopback() {
        let reached = |text| reachable(parse(text).unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "[::1]:80");
        assert_eq!(reached("127.0.0.2:80"), "127.0.0.2:80");
    }

    #[test]
    fn a_port_in_use_is_replaced_by_a_free_one_on_the_same_host() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = taken.local_addr().unwrap();
        let found = free_near(wanted).unwrap();
        assert_eq!(found.ip(), wanted.ip());
        assert_ne!(found.port(), wanted.port());
    }

    #[test]
    fn a_port_alone_is_not_an_address() {
        assert!(parse("8080").is_err());
    }
}
