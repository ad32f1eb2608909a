//! The card with the attention items in the order of the server, each with its actions, and the snoozed items. Rows
//! keep their places while the pointer or the focus is in the table, until the user takes an action.

mod actions;
mod affected_objects;
mod snooze;
mod snoozed;

use std::time::Duration;

use leptos::prelude::*;

use self::{
    actions::{Actions, CancelDialog},
    affected_objects::Name,
    snooze::SnoozeDialog,
    snoozed::Snoozed,
};
use crate::{
    api::attention::AttentionItem,
    attention::AttentionItems,
    base_path::href,
    browser,
    clock::Clock,
    effect::effect,
    format, labels,
    live::{Admission, Entry, LiveList},
    pages::list_card::freeze,
    session::Session,
    ui::{Card, Column, Icon, Message, QueryResult, Rows, Table, Time, TimeFormat, Toasts},
};

/// The columns of the table.
const COLUMNS: [Column; 3] = [Column::text("What", 52), Column::text("Since", 12), Column::actions(36)];
/// The element id of the list.
const LIST: &str = "needs-attention";
/// How long after an action of the user the rows may move although the pointer or the focus is in the table, in
/// milliseconds. The server may send the change several seconds after the action.
const SETTLING: i64 = 10_000;
/// The delay after which the items are queried again: for up to a second after an action, the server may return the
/// items from before it.
const SECOND_LOOK: Duration = Duration::from_millis(1500);

/// The state that the rows share. A handle: copies share the same state.
#[derive(Clone, Copy)]
struct Board {
    attention: AttentionItems,
    session: Session,
    toasts: Toasts,
    /// Until when rows may move although the user works with them, in milliseconds since 1970.
    settling_until: StoredValue<i64>,
    /// The item in the dialog that snoozes.
    snoozing: RwSignal<Option<AttentionItem>>,
    is_snoozing: RwSignal<bool>,
    /// The transfers in the dialog that cancels.
    cancelling: RwSignal<Vec<String>>,
    is_cancelling: RwSignal<bool>,
}

impl Board {
    fn new() -> Self {
        Self {
            attention: expect_context(),
            session: expect_context(),
            toasts: expect_context(),
            settling_until: StoredValue::new(0),
            snoozing: RwSignal::new(None),
            is_snoozing: RwSignal::new(false),
            cancelling: RwSignal::new(Vec::new()),
            is_cancelling: RwSignal::new(false),
        }
    }

    /// Opens the dialog that snoozes an item.
    fn snooze(self, item: AttentionItem) {
        self.snoozing.set(Some(item));
        self.is_snoozing.set(true);
    }

    /// Shows the effect of the user's action, even if the row with the pointer or the focus moves or disappears.
    fn settle(self) {
        self.settling_until.try_update_value(|until| *until = browser::now().0 + SETTLING);
        self.attention.reload();
        set_timeout(move || self.attention.reload(), SECOND_LOOK);
        let leave = || {
            let focused = document().query_selector(":is(#needs-attention, .snoozed) :focus");
            let has_focus = focused.is_ok_and(|focused| focused.is_some());
            if has_focus {
                browser::focus(LIST);
            }
        };
        leave();
        // A closing dialog returns the focus to the row.
        set_timeout(leave, Duration::from_millis(50));
    }

    /// Shows a notification about the outcome of an action, and the effect of the action.
    fn say(self, outcome: Result<String, String>) {
        match outcome {
            Ok(text) => self.toasts.success(text),
            Err(text) => self.toasts.error(text),
        }
        self.settle();
    }

    fn is_settling(self) -> bool {
        browser::now().0 < self.settling_until.get_value()
    }
}

/// The card with the attention items.
#[component]
pub(crate) fn NeedsAttention() -> impl IntoView {
    let board = Board::new();
    provide_context(board);
    let attention = board.attention;
    let list = LiveList::<AttentionItem>::new(Admission::Listed);
    effect(move || {
        if let Some(items) = attention.list(false) {
            list.replace(items);
            if board.is_settling() {
                list.show_waiting();
            }
        }
    });
    let is_empty = Memo::new(move |_| list.len() == 0);
    let nothing = || {
        view! {
            <p class="card-note">
                <Icon name="done" />
                "Nothing needs attention. Failures, stalled transfers, silent agents, late runs, and keys and certificates that expire appear here."
            </p>
        }
        .into_any()
    };
    view! {
        <Card title="Needs attention">
            <div id=LIST class="attention" tabindex="-1">
                <QueryResult
                    stage=Signal::derive(move || attention.stage())
                    is_empty
                    skeleton_rows=2
                    on_retry=move |()| attention.reload()
                    nothing
                >
                    <Table label="Attention items" columns=COLUMNS.to_vec() freeze=Some(freeze(list))>
                        <Rows
                            keys=Signal::derive(move || list.order())
                            row=move |id: String| list.entry(&id).map(|entry| view! { <Row row=entry.into() /> }).into_any()
                        />
                    </Table>
                </QueryResult>
            </div>
            <Snoozed />
        </Card>
        <SnoozeDialog />
        <CancelDialog />
    }
}

#[component]
fn Row(row: RwSignal<Entry<AttentionItem>>) -> impl IntoView {
    let board = expect_context::<Board>();
    let severity = Memo::new(move |_| row.with(|entry| labels::attention::severity(entry.object.severity)));
    let since = Memo::new(move |_| row.with(|entry| entry.object.since));
    // The kind of an item never changes.
    let is_end = row.with_untracked(|entry| labels::attention::is_about_an_end(entry.object.kind));
    let summary = Memo::new(move |_| row.with(|entry| entry.object.summary.clone()));
    let cause = Memo::new(move |_| row.with(|entry| labels::attention::other_cause(&entry.object)));
    let affected = Memo::new(move |_| row.with(|entry| affected_objects::affected(&entry.object)));
    let more = Memo::new(move |_| row.with(|entry| affected_objects::more(&entry.object)));
    let badge = move || {
        let (word, icon, tone) = severity.get();
        view! {
            <span class="badge" data-tone=tone.name()>
                <Icon name=icon />
                {word}
            </span>
        }
    };
    let link = |affected: affected_objects::Affected| {
        let name = match affected.name {
            Name::Text(text) => text.into_any(),
            Name::Run(None) => "Run".into_any(),
            Name::Run(Some(at)) => (move || format!("Run of {}", Clock::full_moment(at))).into_any(),
        };
        view! {
            <li>
                <a href=href(affected.address)>{name}</a>
            </li>
        }
    };
    let rest = move || {
        let rest = more.get();
        rest.map(|(count, address)| view! { <li><a href=href(address)>{format!("and {} more", format::count(count.into()))}</a></li> })
    };
    view! {
        <tr>
            <td class="cell-main">
                {badge} <span class="attention-summary"><Message text=summary /></span>
                {move || cause.get().map(|cause| view! { <span class="attention-cause"><Message text=cause /></span> })}
                <ul class="attention-objects" aria-label="Affected">
                    {move || affected.get().into_iter().map(link).collect_view()} {rest}
                </ul>
            </td>
            <td class="cell-quiet" data-label="Since">
                {is_end.then_some("Ends ")} <Time at=since format=TimeFormat::Relative />
            </td>
            <td class="cell-actions">
                <Actions row />
                <button
                    type="button"
                    class="button button-small"
                    on:click=move |_| board.snooze(row.with_untracked(|entry| entry.object.clone()))
                >
                    "Snooze"
                </button>
            </td>
        </tr>
    }
}
