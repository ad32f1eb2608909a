//! Connects through a SOCKS5 proxy (RFC 1928, RFC 1929). The proxy resolves the name of the server.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const VERSION: u8 = 5;
const WITHOUT_LOGIN: u8 = 0;
const WITH_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// User and password for a proxy.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// Requests a connection to the server from the proxy to which `stream` is connected. Afterwards `stream` is connected
/// to the server.
pub(crate) async fn connect<S>(stream: &mut S, host: &str, port: u16, login: Option<&Login>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let method = if login.is_some() { WITH_PASSWORD } else { WITHOUT_LOGIN };
    stream.write_all(&[VERSION, 1, method]).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match (answer, login) {
        ([VERSION, WITHOUT_LOGIN], _) => {}
        ([VERSION, WITH_PASSWORD], Some(login)) => sign_in(stream, login).await?,
        ([VERSION, _], _) => {
            return Err(refused("the proxy requires another authentication method than the configured one"));
        }
        _ => return Err(refused("the proxy does not speak SOCKS5")),
    }
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            request.push(NAME);
            push_text(&mut request, host)?;
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    read_reply(stream).await
}

async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, login: &Login) -> io::Result<()> {
    let mut request = vec![1];
    push_text(&mut request, &login.user)?;
    push_text(&mut request, &login.password)?;
    stream.write_all(&request).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    if answer[1] == 0 { Ok(()) } else { Err(refused("the proxy refused user and password")) }
}

async fn read_reply<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    match head[1] {
        0 => {}
        2 => return Err(refused("the rules of the proxy do not allow the connection")),
        3 => return Err(io::ErrorKind::NetworkUnreachable.into()),
        4 => return Err(io::ErrorKind::HostUnreachable.into()),
        5 => return Err(io::ErrorKind::ConnectionRefused.into()),
        6 => return Err(io::ErrorKind::TimedOut.into()),
        code => return Err(refused(&format!("the proxy could not connect (code {code})"))),
    }
    // The address from which the proxy connects is read and ignored.
    let length = match head[3] {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(stream.read_u8().await?),
        _ => return Err(refused("the proxy does not speak SOCKS5")),
    };
    let mut address = vec![0; length + size_of::<u16>()];
    stream.read_exact(&mut address).await?;
    Ok(())
}

/// Appends the length of a text, and the text. Fails if it has more than 255 bytes.
fn push_text(request: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let length = u8::try_from(text.len())
        .map_err(|_| refused("host names, users and passwords for a SOCKS5 proxy have at most 255 bytes"))?;
    request.push(length);
    request.extend_from_slice(text.as_bytes());
    Ok(())
}

fn refused(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::{Login, connect};

    /// Connects through a proxy that answers with `answers`; what the proxy read, and the outcome.
    async fn ask(host: &str, login: Option<&Login>, answers: &[u8]) -> anyhow::Result<(Vec<u8>, io::Result<()>)> {
        let (mut ours, mut proxy) = duplex(1024);
        proxy.write_all(answers).await?;
        let outcome = connect(&mut ours, host, 22, login).await;
        drop(ours);
        let mut read = Vec::new();
        proxy.read_to_end(&mut read).await?;
        Ok((read, outcome))
    }

    #[tokio::test]
    async fn the_proxy_is_asked_for_the_server_by_its_name_or_address() -> anyhow::Result<()> {
        let granted = [5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 1, 2];
        let (read, outcome) = ask("h.example", None, &granted).await?;
        outcome?;
        assert_eq!(read, b"\x05\x01\x00\x05\x01\x00\x03\x09h.example\x00\x16");
        let (read, outcome) = ask("192.0.2.1", None, &granted).await?;
        outcome?;
        assert_eq!(read, b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x16");
        Ok(())
    }

    #[tokio::test]
    async fn user_and_password_are_sent_if_the_proxy_wants_them() -> anyhow::Result<()> {
        let login = Login { user: "u".to_owned(), password: "pw".to_owned() };
        let granted = [5, 2, 1, 0, 5, 0, 0, 3, 1, b'p', 1, 2];
        let (read, outcome) = ask("h", Some(&login), &granted).await?;
        outcome?;
        assert_eq!(read, b"\x05\x01\x02\x01\x01u\x02pw\x05\x01\x00\x03\x01h\x00\x16");
        let (_, outcome) = ask("h", Some(&login), &[5, 2, 1, 1]).await?;
        assert!(outcome.is_err_and(|error| error.to_string().contains("refused user and password")));
        Ok(())
    }

    #[tokio::test]
    async fn what_the_proxy_cannot_do_is_an_error_of_that_kind() -> anyhow::Result<()> {
        for (code, kind) in [
            (2, io::ErrorKind::Other),
            (4, io::ErrorKind::HostUnreachable),
            (5, io::ErrorKind::ConnectionRefused),
            (9, io::ErrorKind::Other),
        ] {
            let (_, outcome) = ask("h", None, &[5, 0, 5, code, 0, 1]).await?;
            assert_eq!(outcome.map_err(|error| error.kind()), Err(kind), "{code}");
        }
        let (_, outcome) = ask("h", None, b"HTTP/1.1 400").await?;
        assert!(outcome.is_err_and(|error| error.to_string().contains("does not speak SOCKS5")));
        Ok(())
    }
}
