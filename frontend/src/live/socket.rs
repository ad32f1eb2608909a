//! One WebSocket of the browser. Dropping the value removes the listeners and closes the WebSocket.

use std::rc::Rc;

use mftplus_protocol::socket::CloseCode;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

/// An event of a socket.
pub(super) enum SocketEvent {
    /// Messages can be sent.
    Opened,
    /// A message has arrived.
    Message(String),
    /// The socket has closed, with this code.
    Closed(CloseCode),
}

/// A socket with its listener.
pub(super) struct Socket {
    raw: WebSocket,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Begins to connect to `url` with this subprotocol. `listener` gets the events of the socket.
    pub(super) fn open(url: &str, protocol: &str, listener: impl Fn(SocketEvent) + 'static) -> Result<Self, JsValue> {
        let raw = WebSocket::new_with_str(url, protocol)?;
        let opened = Rc::new(listener);
        let (messages, closed) = (Rc::clone(&opened), Rc::clone(&opened));
        let on_open = Closure::new(move |_: Event| opened(SocketEvent::Opened));
        let on_message = Closure::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                messages(SocketEvent::Message(text));
            }
        });
        let on_close = Closure::new(move |event: CloseEvent| closed(SocketEvent::Closed(CloseCode(event.code()))));
        raw.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        raw.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        raw.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { raw, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }

    /// Sends a message. A message that cannot be sent is dropped: the socket is closing and will report that itself.
    pub(super) fn send(&self, message: &str) {
        if self.raw.ready_state() == WebSocket::OPEN {
            let sent = self.raw.send_with_str(message);
            if let Err(error) = sent {
                leptos::logging::warn!("a message could not be sent: {error:?}");
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.raw.set_onopen(None);
        self.raw.set_onmessage(None);
        self.raw.set_onclose(None);
        // The socket may be closed already.
        let _ = self.raw.close();
    }
}
