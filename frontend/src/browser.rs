//! Browser APIs: clock, time zone, random numbers, focus, scrolling, history, clipboard, storage.

mod typed_numbers;

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use leptos::{
    prelude::{set_timeout, window},
    web_sys::{
        Blob, Element, Event, EventTarget, FocusEvent, HtmlAnchorElement, HtmlElement, HtmlInputElement,
        HtmlTextAreaElement, Node, SvgElement, Url,
    },
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

pub(crate) use self::typed_numbers::{number, number_text, whole_number};
use crate::time::Instant;

/// Milliseconds by which the server's clock is ahead of this machine's.
static SERVER_AHEAD: AtomicI64 = AtomicI64::new(0);

/// The current time of the server's clock, so that ages and expiry times are right even if this machine's clock is
/// wrong.
pub(crate) fn now() -> Instant {
    Instant(own_clock() + SERVER_AHEAD.load(Ordering::Relaxed))
}

/// Compares the clocks: `date` is the header `Date` of a response that has just arrived.
pub(crate) fn set_server_clock(date: &str) {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    let ahead = Date::parse(date) as i64 - own_clock();
    // The header has whole seconds and arrives with a delay, so a difference of up to three seconds is ignored.
    SERVER_AHEAD.store(if ahead.abs() > 3000 { ahead } else { 0 }, Ordering::Relaxed);
}

/// The current time of this machine's clock, in milliseconds since 1970.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
pub(crate) fn own_clock() -> i64 {
    Date::now() as i64
}

/// How many minutes the local zone is ahead of UTC at an instant.
pub(crate) fn utc_offset(instant: Instant) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
    let date = Date::new(&JsValue::from_f64(instant.0 as f64));
    #[expect(clippy::cast_possible_truncation, reason = "whole minutes of at most a day")]
    let behind = date.get_timezone_offset() as i64;
    -behind
}

/// Parses a date and time such as `2026-01-31T02:00`: local time, or UTC with a `Z` at the end. `None` if it is
/// invalid.
pub(crate) fn minute(text: &str) -> Option<Instant> {
    let at = Date::parse(text);
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    at.is_finite().then_some(Instant(at as i64))
}

/// The name of the local time zone.
pub(crate) fn time_zone() -> String {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    let name = Reflect::get(&options, &"timeZone".into()).ok().and_then(|name| name.as_string());
    name.unwrap_or_else(|| "UTC".to_owned())
}

/// The names of all time zones that the browser knows; empty in older browsers.
pub(crate) fn time_zones() -> Vec<String> {
    let zones = || {
        let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let list: Function = Reflect::get(&intl, &"supportedValuesOf".into()).ok()?.dyn_into().ok()?;
        let zones: Array = list.call1(&intl, &"timeZone".into()).ok()?.dyn_into().ok()?;
        Some(zones.iter().filter_map(|zone| zone.as_string()).collect())
    };
    zones().unwrap_or_default()
}

/// Moves the focus to the HTML or SVG element with an id.
pub(crate) fn focus(id: &str) {
    let Some(element) = leptos::prelude::document().get_element_by_id(id) else { return };
    // A failure only leaves the focus where it was.
    let _ = match element.dyn_ref::<SvgElement>() {
        Some(drawn) => drawn.focus(),
        None => element.dyn_into::<HtmlElement>().map_or(Ok(()), |element| element.focus()),
    };
}

/// Moves the focus to the first element that a selector matches.
pub(crate) fn focus_first(selector: &str) {
    let found = leptos::prelude::document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // A failure only leaves the focus where it was.
        let _ = element.focus();
    }
}

/// Clicks on the first button that a selector matches.
pub(crate) fn press(selector: &str) {
    let found = leptos::prelude::document().query_selector(selector).ok().flatten();
    if let Some(button) = found.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        button.click();
    }
}

/// Moves the focus to the search field of the page and selects its text. Returns false if the page has no search field.
pub(crate) fn focus_search() -> bool {
    let field = leptos::prelude::document().query_selector("#content input[type=search]").ok().flatten();
    let Some(field) = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) else { return false };
    field.select();
    field.focus().is_ok()
}

/// Follows a link as if the user had clicked on it, so that pages with unsaved changes ask first.
pub(crate) fn follow_link(url: &str) {
    let document = leptos::prelude::document();
    let link = document.create_element("a").ok().and_then(|link| link.dyn_into::<HtmlElement>().ok());
    let (Some(body), Some(link)) = (document.body(), link) else { return };
    if link.set_attribute("href", url).is_ok() && body.append_child(&link).is_ok() {
        link.click();
        link.remove();
    }
}

/// The URL of the link that contains the target of an event; `None` outside of links.
pub(crate) fn link_of(event: &Event) -> Option<String> {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok())?;
    element.closest("a[href]").ok().flatten()?.get_attribute("href")
}

/// Whether the focus stays within `frame`, given the event of an element that loses the focus.
pub(crate) fn stays_within(event: &FocusEvent, frame: &Node) -> bool {
    let next = event.related_target().and_then(|next| next.dyn_into::<Node>().ok());
    next.is_some_and(|next| frame.contains(Some(&next)))
}

/// Replaces the selection with text as if the user had typed it: the user can undo it, and the field gets an input
/// event.
pub(crate) fn type_text(text: &str) {
    let document: JsValue = leptos::prelude::document().into();
    let command =
        Reflect::get(&document, &"execCommand".into()).ok().and_then(|found| found.dyn_into::<Function>().ok());
    if let Some(command) = command {
        let name = if text.is_empty() { "delete" } else { "insertText" };
        // The caller checks whether it worked.
        let _ = command.call3(&document, &name.into(), &false.into(), &text.into());
    }
}

/// Scrolls a text area so that a line, counted from 0, is visible.
pub(crate) fn show_line(area: &HtmlTextAreaElement, line: usize) {
    let lines = area.value().matches('\n').count() + 1;
    let (whole, seen) = (f64::from(area.scroll_height()), f64::from(area.client_height()));
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "pixels of a page")]
    {
        let top = whole * line as f64 / lines as f64;
        let is_seen = (f64::from(area.scroll_top())..f64::from(area.scroll_top()) + seen - 32.0).contains(&top);
        if !is_seen {
            area.set_scroll_top((top - seen / 3.0) as i32);
        }
    }
}

/// Scrolls the page and all containers so that the element with this id is visible.
pub(crate) fn show_element(id: &str) {
    if let Some(element) = leptos::prelude::document().get_element_by_id(id) {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Scrolls the parent of an element so that the element is visible.
pub(crate) fn show_within(element: &Element) {
    let (Some(frame), Some(element)) = (element.parent_element(), element.dyn_ref::<HtmlElement>()) else {
        return;
    };
    let (top, height) = (element.offset_top(), element.offset_height());
    let (seen, room) = (frame.scroll_top(), frame.client_height());
    if top < seen {
        frame.set_scroll_top(top);
    } else if top + height > seen + room {
        frame.set_scroll_top(top + height - room);
    }
}

/// An event listener in the capture phase, removed when dropped.
pub(crate) struct Listener {
    target: EventTarget,
    name: &'static str,
    callback: Closure<dyn Fn(Event)>,
}

impl Listener {
    /// Adds the listener.
    pub(crate) fn new(target: EventTarget, name: &'static str, callback: impl Fn(Event) + 'static) -> Self {
        let callback: Closure<dyn Fn(Event)> = Closure::new(callback);
        let listening = target.add_event_listener_with_callback_and_bool(name, callback.as_ref().unchecked_ref(), true);
        if let Err(error) = listening {
            leptos::logging::warn!("the listener for {name} could not be added: {error:?}");
        }
        Self { target, name, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Removing fails only if the listener was never added.
        let _ = self.target.remove_event_listener_with_callback_and_bool(
            self.name,
            self.callback.as_ref().unchecked_ref(),
            true,
        );
    }
}

/// Moves the focus to an element without scrolling to it.
pub(crate) fn focus_in_place(element: &HtmlElement) {
    let options = JsValue::from(Object::new());
    let focus = Reflect::set(&options, &"preventScroll".into(), &true.into())
        .and_then(|_| Reflect::get(element, &"focus".into()))
        .and_then(JsCast::dyn_into::<Function>);
    if let Ok(focus) = focus {
        // A failure only leaves the focus where it was.
        let _ = focus.call1(element, &options);
    }
}

/// The path and query of this page, including the base path.
pub(crate) fn current_address() -> String {
    let location = window().location();
    let (path, query) = (location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    path + &query
}

/// Stops the browser from scrolling when the user goes back or forward.
pub(crate) fn restore_no_scroll_positions() {
    if let Ok(history) = window().history() {
        // If this fails, the browser scrolls first, which does no harm.
        let _ = Reflect::set(&history, &"scrollRestoration".into(), &"manual".into());
    }
}

/// The number of pixels of the page above the window.
pub(crate) fn scroll_position() -> f64 {
    window().scroll_y().unwrap_or(0.0)
}

/// Scrolls the page to a position, if the page is long enough.
pub(crate) fn scroll_to(position: f64) {
    let root = leptos::prelude::document().document_element();
    let most = root.map_or(0, |root| root.scroll_height() - root.client_height());
    if (scroll_position() - position).abs() > 1.0 && f64::from(most) >= position - 1.0 {
        window().scroll_to_with_x_and_y(0.0, position);
    }
}

/// Stores the scroll position of this page for a reload of the tab.
pub(crate) fn store_scroll_position(address: &str, position: f64) {
    if let Some(storage) = window().session_storage().ok().flatten() {
        // Without storage the page is shown from its beginning.
        let _ = storage.set_item("scroll", &format!("{} {address}", crate::format::fixed(position, 0)));
    }
}

/// The scroll position that was stored for this page before the tab was reloaded; `None` if it is that of another page.
pub(crate) fn stored_scroll_position(address: &str) -> Option<f64> {
    let stored = window().session_storage().ok()??.get_item("scroll").ok()??;
    let (position, of) = stored.split_once(' ')?;
    number(position).filter(|_| of == address)
}

/// Adds a URL to the history of the tab.
pub(crate) fn push_address(address: &str) {
    let history = window().history();
    if let Err(error) = history.and_then(|history| history.push_state_with_url(&JsValue::NULL, "", Some(address))) {
        leptos::logging::warn!("the address could not be set: {error:?}");
    }
}

/// A random number, at least 0 and less than 1.
pub(crate) fn random() -> f64 {
    js_sys::Math::random()
}

/// A random text of digits, for an idempotency key.
pub(crate) fn random_key() -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0 and less than 2^53")]
    let part = || (random() * 9_007_199_254_740_992.0) as u64;
    format!("{}{}", part(), part())
}

/// A random number of milliseconds below a bound, to keep many open pages from sending requests at the same time.
pub(crate) fn jitter(below: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    let chosen = (random() * below as f64) as u64;
    chosen
}

/// The scheme, host and port from which this page was loaded.
pub(crate) fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Whether this tab is hidden. A hidden tab has no animation frames.
pub(crate) fn is_hidden() -> bool {
    leptos::prelude::document().hidden()
}

/// Copies text to the clipboard. Returns whether the browser allowed this.
pub(crate) async fn copy(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Browsers provide the clipboard only to pages that were loaded securely.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// Joins the contents of files. If `has_head`, all files begin with the same line, which only the first one keeps.
pub(crate) async fn join_files(files: Vec<Blob>, has_head: bool) -> Result<Blob, JsValue> {
    let parts = Array::new();
    for (index, file) in files.into_iter().enumerate() {
        let from = if has_head && index > 0 { first_line_length(&file).await? } else { 0.0 };
        let part = file.slice_with_f64(from)?;
        parts.push(&part);
    }
    Blob::new_with_blob_sequence(&parts)
}

/// The length in bytes of the first line of a file. The line must contain only ASCII characters.
async fn first_line_length(file: &Blob) -> Result<f64, JsValue> {
    let beginning = JsFuture::from(file.slice_with_f64_and_f64(0.0, 8192.0)?.text()).await?;
    let beginning = beginning.as_string().unwrap_or_default();
    let line = beginning.split_inclusive('\n').next().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "at most 8192")]
    let length = line.len() as f64;
    Ok(length)
}

/// Saves a file as the browser saves downloads.
pub(crate) fn save(content: &Blob, name: &str) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(content)?;
    // The link is not added to the page, so that the router does not see the click.
    let link: HtmlAnchorElement = leptos::prelude::document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The browser reads the file later, so its URL is revoked after a while. If this fails, the file only stays in
    // memory.
    let revoke = move || {
        let _ = Url::revoke_object_url(&url);
    };
    set_timeout(revoke, Duration::from_mins(1));
    Ok(())
}

/// A preference that is stored in this browser.
pub(crate) fn stored(name: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(name).ok()?
}

/// Stores a preference in this browser; `None` removes it.
pub(crate) fn store(name: &str, value: Option<&str>) {
    // Storage may be disabled. The choice is then lost when the page is closed.
    let Some(storage) = window().local_storage().ok().flatten() else { return };
    let stored = match value {
        Some(value) => storage.set_item(name, value),
        None => storage.remove_item(name),
    };
    if let Err(error) = stored {
        leptos::logging::warn!("the preference {name} could not be stored: {error:?}");
    }
}

/// Applies a preference for the appearance (`theme`, `density`) as the attribute `data-NAME` of the page, and stores
/// it. `None` restores the default.
pub(crate) fn set_look(name: &str, choice: Option<&str>) {
    store(name, choice);
    let Some(root) = leptos::prelude::document().document_element() else { return };
    let attribute = format!("data-{name}");
    let shown = match choice {
        Some(choice) => root.set_attribute(&attribute, choice),
        None => root.remove_attribute(&attribute),
    };
    if let Err(error) = shown {
        leptos::logging::warn!("the look could not be set: {error:?}");
    }
}
