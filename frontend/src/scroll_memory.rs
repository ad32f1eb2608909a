//! Restores the scroll position of a page when the user comes back to it. The browser cannot do this: when it would
//! scroll, the content of the page is not loaded yet.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use leptos::prelude::*;

use crate::browser::{self, Listener};

/// The number of animation frames in which a position is restored: about two seconds, in which the content should
/// arrive.
const FRAMES: u32 = 120;

#[derive(Default)]
struct Memory {
    /// The scroll positions by address, as pixels above the window.
    positions: HashMap<String, f64>,
    /// The position that is being restored, and the number of animation frames that are left for this.
    wanted: Option<(f64, u32)>,
}

/// Begins to keep positions, until the tab is closed. Must be called after the listeners are added that may stop the
/// event `popstate`.
pub(crate) fn start() {
    browser::restore_no_scroll_positions();
    let memory = Rc::new(RefCell::new(Memory::default()));
    let (scrolled, returned, closed) = (Rc::clone(&memory), Rc::clone(&memory), Rc::clone(&memory));
    let on_scroll = move |_| {
        let mut memory = scrolled.borrow_mut();
        // While a position is being restored, the browser scrolls, too, because the page is shorter at first.
        if memory.wanted.is_none() {
            memory.positions.insert(browser::current_address(), browser::scroll_position());
        }
    };
    let on_return = move |_| {
        let position = returned.borrow().positions.get(&browser::current_address()).copied().unwrap_or(0.0);
        restore(&returned, position);
    };
    let on_close = move |_| {
        let address = browser::current_address();
        let position = closed.borrow().positions.get(&address).copied().unwrap_or(0.0);
        browser::store_scroll_position(&address, position);
    };
    let mut listeners = vec![
        Listener::new(window().into(), "scroll", on_scroll),
        Listener::new(window().into(), "popstate", on_return),
        Listener::new(window().into(), "pagehide", on_close),
    ];
    for name in ["wheel", "touchmove", "keydown", "pointerdown"] {
        let memory = Rc::clone(&memory);
        let give_up = move |_| memory.borrow_mut().wanted = None;
        listeners.push(Listener::new(window().into(), name, give_up));
    }
    std::mem::forget(listeners);
    if let Some(position) = browser::stored_scroll_position(&browser::current_address()) {
        restore(&memory, position);
    }
}

/// Scrolls to a position as soon as the page is long enough, unless the user acts before that.
fn restore(memory: &Rc<RefCell<Memory>>, position: f64) {
    let is_restoring = memory.borrow_mut().wanted.replace((position, FRAMES)).is_some();
    if !is_restoring {
        pursue(Rc::clone(memory));
    }
}

fn pursue(memory: Rc<RefCell<Memory>>) {
    request_animation_frame(move || {
        let wanted = memory.borrow().wanted;
        let Some((position, frames)) = wanted else { return };
        browser::scroll_to(position);
        memory.borrow_mut().wanted = frames.checked_sub(1).map(|left| (position, left));
        pursue(memory);
    });
}
