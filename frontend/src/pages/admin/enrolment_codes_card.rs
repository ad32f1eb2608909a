//! The card with the enrolment codes of a customer.

use leptos::prelude::*;

use crate::{
    api::enrolment_codes::{self, CreateCode, EnrolmentCode},
    base_path, browser,
    clock::Clock,
    effect::effect,
    format,
    pages::{page_in_address, pages_of},
    reactive_query::Fetch,
    time::Instant,
    ui::{
        Card, Column, Confirm, Dialog, Empty, Field, FormDialog, Icon, Pager, QueryResult, Secret, Select, Table,
        Toasts,
    },
    user_action::UserAction,
};

/// The columns of the table.
const COLUMNS: [Column; 4] =
    [Column::text("Code", 40), Column::text("Used", 20), Column::text("Expires", 24), Column::actions(16)];

/// The enrolment codes of a customer, with dialogs to create and delete them.
#[component]
pub(super) fn Codes(customer_id: String) -> impl IntoView {
    let page = page_in_address();
    let customer_id = StoredValue::new(customer_id);
    let list = Fetch::new(move || enrolment_codes::list(&customer_id.get_value(), page.get()));
    let is_creating = RwSignal::new(false);
    let fresh = RwSignal::new(None::<String>);
    let summary =
        move || list.read(|list| format::total(list.total.into(), list.total_is_at_least, "code")).unwrap_or_default();
    let nothing = || {
        view! {
            <Empty icon="key" title="No enrolment codes">
                <p>"Create a code, then run the command that is shown with it on a machine. The machine becomes an agent of this customer."</p>
            </Empty>
        }
        .into_any()
    };
    let rows = move || {
        let rows = list.read(|list| list.items.clone()).unwrap_or_default();
        rows.into_iter().map(|code| view! { <Row code on_change=move |()| list.reload() /> }).collect_view()
    };
    let create = move || {
        view! {
            <button type="button" class="button button-primary" on:click=move |_| is_creating.set(true)>
                <Icon name="plus" />
                "New code"
            </button>
        }
    };
    view! {
        <Card title="Enrolment codes" aside=create>
            <QueryResult
                stage=Signal::derive(move || list.stage())
                is_empty=Signal::derive(move || list.read(|list| list.items.is_empty()) == Some(true))
                on_retry=move |()| list.reload()
                nothing
            >
                <Table label="Enrolment codes" columns=COLUMNS.to_vec()>
                    {move || rows()}
                </Table>
            </QueryResult>
            <Pager
                summary=Signal::derive(summary)
                page=page
                pages=Signal::derive(move || list.read(|list| pages_of(list.total, list.total_is_at_least)).flatten())
                address=move |page: i32| format!("/customers/{}?page={page}", customer_id.get_value())
            />
        </Card>
        <Create
            open=is_creating
            customer_id=customer_id.get_value()
            on_created=move |code: String| {
                fresh.set(Some(code));
                list.reload();
            }
        />
        <NewCode code=fresh />
    }
}

#[component]
fn Row(code: EnrolmentCode, #[prop(into)] on_change: Callback<()>) -> impl IntoView {
    let (toasts, clock) = (expect_context::<Toasts>(), expect_context::<Clock>());
    let is_withdrawing = RwSignal::new(false);
    let user_action = UserAction::new();
    let id = code.id.inner().to_owned();
    let withdraw = move |()| {
        user_action.run(enrolment_codes::delete(&id), move |_| {
            is_withdrawing.set(false);
            toasts.success("The code was deleted.".to_owned());
            on_change.try_run(());
        });
    };
    let uses = match code.max_uses {
        Some(most) => format!("{} of {}", format::count(code.uses.into()), format::count(most.into())),
        None => format!("{}, no limit", format::count(code.uses.into())),
    };
    let expires = move || code.expires_at.map_or_else(|| "never".to_owned(), |at| clock.moment(at));
    view! {
        <tr>
            <td class="cell-main">
                <code>{code.code.clone()}</code>
            </td>
            <td data-label="Used">{uses}</td>
            <td class="cell-quiet" data-label="Expires">
                {expires}
            </td>
            <td class="cell-actions">
                <button
                    type="button"
                    class="button button-small"
                    aria-label=format!("Delete {}", code.code)
                    on:click=move |_| is_withdrawing.set(true)
                >
                    "Delete"
                </button>
                <Confirm
                    open=is_withdrawing
                    title="Delete this code?"
                    text="Machines can no longer register with this code. Agents that have registered with it stay."
                    action="Delete code"
                    user_action
                    on_confirm=withdraw
                    is_dangerous=true
                    dismiss="Keep code"
                />
            </td>
        </tr>
    }
}

#[component]
fn Create(open: RwSignal<bool>, customer_id: String, #[prop(into)] on_created: Callback<String>) -> impl IntoView {
    let (hours, most) = (RwSignal::new("24".to_owned()), RwSignal::new("1".to_owned()));
    let user_action = UserAction::new();
    let create = move |()| {
        let hours: Option<i64> = hours.get_untracked().parse().ok();
        let input = CreateCode {
            expires_at: hours.map(|hours| Instant(browser::now().0 + hours * 3_600_000)),
            max_uses: browser::whole_number(&most.get_untracked()),
        };
        user_action.run(enrolment_codes::create(&customer_id, input), move |code| {
            open.set(false);
            on_created.try_run(code.code);
        });
    };
    let choices = [("1", "in 1 hour"), ("24", "in 1 day"), ("168", "in 7 days"), ("720", "in 30 days"), ("", "never")];
    let choices: Vec<_> = choices.map(|(value, label)| (value.to_owned(), label.to_owned())).into();
    view! {
        <FormDialog open title="New enrolment code" action="Create code" user_action on_submit=create>
            <Select
                label="Expires"
                options=choices.clone()
                chosen=hours
                on_choose=move |chosen: String| hours.set(chosen)
            />
            <Field
                label="Maximum uses"
                value=most
                kind="number"
                bounds=(1, 1_000_000)
                hint="Leave empty for no limit."
            />
        </FormDialog>
    }
}

/// The dialog that shows the new code in full, once.
#[component]
fn NewCode(code: RwSignal<Option<String>>) -> impl IntoView {
    let is_shown = RwSignal::new(false);
    effect(move || {
        if code.with(Option::is_some) {
            is_shown.set(true);
        }
    });
    effect(move || {
        if !is_shown.get() {
            code.set(None);
        }
    });
    view! {
        <Dialog open=is_shown title="The new enrolment code">
            <p class="form-text">"Copy it now. It is not shown in full again."</p>
            {move || {
                code.get()
                    .map(|code| {
                        let command = format::register_command(&base_path::server(), &code);
                        view! {
                            <Secret what="code" text=code />
                            <p class="form-text">"Run this command on the machine that becomes the agent:"</p>
                            <Secret what="command" text=command />
                        }
                    })
            }}
            <div class="form-actions">
                <button type="button" class="button button-primary" on:click=move |_| is_shown.set(false)>
                    "Done"
                </button>
            </div>
        </Dialog>
    }
}
