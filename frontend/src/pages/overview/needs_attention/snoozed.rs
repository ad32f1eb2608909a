//! The attention items that are snoozed.

use leptos::prelude::*;

use super::{Board, sentence};
use crate::{
    api::attention::{self, AttentionItem},
    format,
    ui::OptionalTime,
};

/// How many items are snoozed, and on demand which, with a button that ends each snooze.
#[component]
pub(super) fn Snoozed() -> impl IntoView {
    let board = expect_context::<Board>();
    let items = Memo::new(move |_| board.attention.list(true).unwrap_or_default());
    let count = move || format::count(i64::try_from(items.with(Vec::len)).unwrap_or(i64::MAX));
    let item = move |item: AttentionItem| {
        let id = item.id.into_inner();
        let end = move |_| {
            board.session.execute(attention::end_snooze(&id), move |outcome| {
                board.say(outcome.map(|_| "Snooze ended.".to_owned()).map_err(|error| error.to_string()));
            });
        };
        view! {
            <li class="snoozed-item">
                <span class="snoozed-text">
                    {sentence(&item.summary)}
                    <span class="cell-about">
                        "Until " <OptionalTime at=Signal::stored(item.snoozed_until) /> ": "
                        {item.snooze_reason.unwrap_or_default()}
                    </span>
                </span>
                <button type="button" class="button button-small" on:click=end>
                    "End snooze"
                </button>
            </li>
        }
    };
    view! {
        <Show when=move || items.with(|items| !items.is_empty())>
            <details class="snoozed">
                <summary>{count} " snoozed"</summary>
                <ul aria-label="Snoozed">{move || items.get().into_iter().map(item).collect_view()}</ul>
            </details>
        </Show>
    }
}
