//! A relay of one TCP connection, which a test can cut.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes on one connection to a port of this machine.
pub(super) struct Relay {
    pub(super) port: u16,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// Listens; the first connection is passed on, and further ones are refused.
    pub(super) fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sockets);
        thread::spawn(move || pass_on(listener, target, &kept));
        Ok(Self { port, sockets })
    }

    /// Ends the connection on both sides at once.
    pub(super) fn cut(&self) {
        for socket in self.sockets.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // The other side may have ended it.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        // A relay without a connection still waits for one.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pass_on(listener: TcpListener, target: u16, kept: &Mutex<Vec<TcpStream>>) -> io::Result<()> {
    let (client, _) = listener.accept()?;
    drop(listener);
    let server = TcpStream::connect(("127.0.0.1", target))?;
    let mut sockets = kept.lock().unwrap_or_else(PoisonError::into_inner);
    sockets.push(client.try_clone()?);
    sockets.push(server.try_clone()?);
    drop(sockets);
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || copy(&mut from_client, &mut to_server));
    let (mut from_server, mut to_client) = (server, client);
    copy(&mut from_server, &mut to_client);
    Ok(())
}

fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    // Whatever ends one direction ends both.
    let _ = io::copy(from, to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
