//! The attention items that are snoozed.

use leptos::prelude::*;

use super::Board;
use crate::{
    api::attention::{self, AttentionItem},
    format,
    ui::{Message, OptionalTime, Rows},
};

/// The number of snoozed items and, on demand, a list of them with a button that ends each snooze.
#[component]
pub(super) fn Snoozed() -> impl IntoView {
    let board = expect_context::<Board>();
    let items = Memo::new(move |_| board.attention.list(true).unwrap_or_default());
    let count = move || format::count(i64::try_from(items.with(Vec::len)).unwrap_or(i64::MAX));
    let ids = move || items.with(|items| items.iter().map(|item| item.id.inner().to_owned()).collect::<Vec<String>>());
    // The element of an item stays the same as long as the item is snoozed: its count may change, and its button may
    // have the focus.
    let row = move |id: String| {
        let own = id.clone();
        let item = Memo::new(move |_| items.with(|items| items.iter().find(|item| item.id.inner() == own).cloned()));
        let read = move |read: fn(&AttentionItem) -> String| {
            Memo::new(move |_| item.with(|item| item.as_ref().map(read)).unwrap_or_default())
        };
        let summary = read(|item| item.summary.clone());
        let reason = read(|item| item.snooze_reason.clone().unwrap_or_default());
        let until = Signal::derive(move || item.with(|item| item.as_ref().and_then(|item| item.snoozed_until)));
        let end = move |_| {
            board.session.execute(attention::end_snooze(&id), move |outcome| {
                board.say(outcome.map(|_| "Snooze ended.".to_owned()).map_err(|error| error.to_string()));
            });
        };
        view! {
            <li class="snoozed-item">
                <span class="snoozed-text">
                    <Message text=summary />
                    <span class="cell-about">"Until " <OptionalTime at=until /> ": " {move || reason.get()}</span>
                </span>
                <button type="button" class="button button-small" on:click=end>
                    "End snooze"
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <Show when=move || items.with(|items| !items.is_empty())>
            <details class="snoozed">
                <summary>{count} " snoozed"</summary>
                <ul aria-label="Snoozed">
                    <Rows keys=Signal::derive(ids) row />
                </ul>
            </details>
        </Show>
    }
}
