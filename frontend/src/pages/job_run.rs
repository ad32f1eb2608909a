//! The page of a job run, with its transfers, live. For administrators.

use leptos::prelude::*;

use super::{id_in_address, transfers::TransferTable};
use crate::{
    api::{
        job_runs::{self, JobRun, RunLinks, RunStatus},
        transfers::{self, Transfer, TransferFilter},
    },
    base_path::href,
    browser,
    clock::Clock,
    labels,
    live::{Admission, Entry, Feed, LiveList},
    reactive_query::Fetch,
    ui::{Badge, Card, Confirm, Copyable, Empty, Fact, Message, ObjectPage, OptionalTime, PageHead, Time, Toasts},
    user_action::UserAction,
};

/// One job run with its transfers.
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OneRun id=id.get() /> }
}

#[component]
fn OneRun(id: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<JobRun>::new(Admission::Listed);
    let asked = id.clone();
    let links = Fetch::new(move || {
        let asked_at = browser::now().0;
        job_runs::get(&asked).map(move |(run, links)| {
            list.apply_query(vec![run], asked_at);
            links
        })
    });
    feed.watch(job_runs::watch(&id), move |run| list.apply_update(run), move || links.reload());
    let ready = move || {
        list.entry(&id).map(|entry| {
            let row = RwSignal::from(entry);
            view! {
                <Head row list links />
                <Details row links />
                <RunTransfers run=id.clone() row />
            }
        })
    };
    view! {
        <ObjectPage
            noun="Run"
            parent=("/jobs", "Jobs")
            missing="This run does not exist: its job was deleted, or its retention period has ended."
            stage=Signal::derive(move || links.stage())
            on_retry=move |()| links.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

#[component]
fn Head(row: RwSignal<Entry<JobRun>>, list: LiveList<JobRun>, links: Fetch<RunLinks>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let id = StoredValue::new(row.with_untracked(|entry| entry.object.id.inner().to_owned()));
    let (is_cancelling, is_retrying) = (RwSignal::new(false), RwSignal::new(false));
    let (cancelling, retrying) = (UserAction::new(), UserAction::new());
    let cancel = move |()| {
        cancelling.run(job_runs::cancel(&id.get_value()), move |run| {
            list.apply_update(run);
            is_cancelling.set(false);
            toasts.success("Cancellation requested.".to_owned());
        });
    };
    let retry = move |()| {
        retrying.run(job_runs::retry(&id.get_value()), move |run| {
            list.apply_update(run);
            is_retrying.set(false);
            toasts.success("Another attempt requested.".to_owned());
        });
    };
    let state = Signal::derive(move || row.with(|entry| labels::jobs::run_state(&entry.object)));
    let can_cancel = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_cancel));
    let can_retry = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_retry));
    let name = links.read(job_name).unwrap_or_default();
    view! {
        <PageHead
            title=format!("Run of {name}")
            parent=("/jobs", "Jobs")
            about=move || view! { <Badge state /> }
        >
            <Show when=move || can_cancel.get()>
                <button type="button" class="button button-danger" on:click=move |_| is_cancelling.set(true)>
                    "Cancel run"
                </button>
            </Show>
            <Show when=move || can_retry.get()>
                <button type="button" class="button button-primary" on:click=move |_| is_retrying.set(true)>
                    "Retry"
                </button>
            </Show>
        </PageHead>
        <Confirm
            open=is_cancelling
            title="Cancel this run?"
            text="The run ends when its agent receives the request, or when the agent is offline for too long. Files that were copied stay."
            action="Cancel run"
            user_action=cancelling
            on_confirm=cancel
            is_dangerous=true
            dismiss="Keep running"
        />
        <Confirm
            open=is_retrying
            title="Retry this run?"
            text="The agent starts another attempt, which is a new run."
            action="Retry"
            user_action=retrying
            on_confirm=retry
        />
    }
}

fn job_name(links: &RunLinks) -> String {
    links.job.as_ref().map_or_else(|| "a deleted job".to_owned(), |job| job.name.clone())
}

#[component]
fn Details(row: RwSignal<Entry<JobRun>>, links: Fetch<RunLinks>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&JobRun) -> String| move || row.with(|entry| read(&entry.object));
    let (id, job, started_at, slot, retry_of) = row.with_untracked(|entry| {
        let run = &entry.object;
        (
            run.id.inner().to_owned(),
            format!("/jobs/{}", run.job_id.inner()),
            run.started_at,
            run.scheduled_for,
            run.retry_of.as_ref().map(|earlier| format!("/jobs/{}/runs/{}", run.job_id.inner(), earlier.inner())),
        )
    });
    let taken = move || {
        row.with(|entry| {
            let now = entry.object.completed_at.unwrap_or_else(|| clock.now());
            labels::jobs::time_taken(&entry.object, now)
        })
    };
    let completed_at = Signal::derive(move || row.with(|entry| entry.object.completed_at));
    let why = Memo::new(move |_| row.with(|entry| entry.object.error_message.clone()));
    view! {
        <Card title="Details">
            <dl class="facts">
                <Fact name="Job">
                    <a href=href(job)>{move || links.read(job_name)}</a>
                </Fact>
                <Fact name="Slot">
                    <OptionalTime at=slot otherwise="None: started manually" />
                </Fact>
                <Fact name="Started">
                    <Time at=started_at />
                </Fact>
                <Fact name="Ended">
                    <OptionalTime at=completed_at />
                </Fact>
                <Fact name="Duration">{taken}</Fact>
                <Fact name="Copied">{read(labels::jobs::run_size)}</Fact>
                <Fact name="Attempt">
                    {read(|run| run.attempt.to_string())}
                    {retry_of.map(|earlier| view! { <a href=href(earlier)>"previous attempt"</a> })}
                </Fact>
                <Fact name="Run id">
                    <Copyable what="run id" text=id />
                </Fact>
            </dl>
            {move || {
                why.get()
                    .map(|why| {
                        view! {
                            <div class="error-text card-part">
                                <h3>"Error"</h3>
                                <pre tabindex="0"><Message text=why /></pre>
                            </div>
                        }
                    })
            }}
        </Card>
    }
}

#[component]
fn RunTransfers(run: String, row: RwSignal<Entry<JobRun>>) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Transfer>::new(Admission::Listed);
    let run = cynic::Id::new(run);
    let watched = run.clone();
    let totals = Fetch::new(move || {
        let filter = TransferFilter { job_run_id: Some(run.clone()), ..TransferFilter::default() };
        list.fill(transfers::list_some(filter, 100, 1))
    });
    // An update of a transfer that is not in the table means that there is a new transfer, or that the table does not
    // show all.
    let look_for_new = move |transfer: Transfer| {
        if list.entry(transfer.id.inner()).is_none() {
            totals.reload_paced();
        }
    };
    feed.watch(transfers::watch_of_run(watched), look_for_new, move || totals.reload_paced());
    let is_running = Memo::new(move |_| row.with(|entry| entry.object.status == RunStatus::Running));
    let nothing = move || {
        if is_running.get() {
            view! {
                <Empty icon="transfers" title="No transfers yet">
                    <p>"Transfers of this run appear here."</p>
                </Empty>
            }
            .into_any()
        } else {
            view! { <Empty icon="transfers" title="This run has reported no transfers" /> }.into_any()
        }
    };
    view! {
        <Card title="Transfers">
            <TransferTable list load=totals nothing />
        </Card>
    }
}
