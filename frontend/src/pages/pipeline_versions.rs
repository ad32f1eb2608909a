//! The page with the versions of a definition: list, compare, restore. For administrators.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use super::{id_in_address, page_in_address, pages_of};
use crate::{
    api::{
        pipeline_versions::{self, Version},
        pipelines::{self, Pipeline},
    },
    base_path::href,
    effect::effect,
    format,
    reactive_query::Fetch,
    ui::Card,
    ui::Column,
    ui::Confirm,
    ui::DiffTable,
    ui::Notice,
    ui::ObjectPage,
    ui::OptionalTime,
    ui::PageHead,
    ui::Pager,
    ui::QueryResult,
    ui::Rows,
    ui::Select,
    ui::Table,
    ui::Toasts,
    user_action::UserAction,
};

/// The number of versions of a pipeline that the server keeps in any case.
const KEPT: i32 = 1000;

/// The versions of a definition, and the difference between two of them.
#[component]
pub(crate) fn Versions() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OfPipeline id=id.get() /> }
}

#[component]
fn OfPipeline(id: String) -> impl IntoView {
    let found = Fetch::new(move || pipelines::get(&id));
    let ready = move || untrack(|| found.read(Clone::clone)).map(|first| view! { <Found first found /> });
    view! {
        <ObjectPage
            noun="Pipeline"
            parent=("/pipelines", "Pipelines")
            missing="This pipeline does not exist, was deleted, or you do not have access to it."
            stage=Signal::derive(move || found.stage())
            on_retry=move |()| found.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

#[component]
fn Found(first: Pipeline, found: Fetch<Pipeline>) -> impl IntoView {
    let id = StoredValue::new(first.id.inner().to_owned());
    let title = format!("Versions of {}", first.name);
    let current = Memo::new(move |_| found.read(|pipeline| pipeline.version).unwrap_or(first.version));
    let can_restore = Memo::new(move |_| {
        let can_restore = found.read(|pipeline| pipeline.viewer_can_restore_version);
        can_restore.unwrap_or(first.viewer_can_restore_version)
    });
    let page = page_in_address();
    let versions = Fetch::new(move || {
        current.get();
        pipeline_versions::list(&id.get_value(), page.get())
    });
    let summary = move || {
        versions.read(|page| format::total(page.total.into(), page.total_is_at_least, "version")).unwrap_or_default()
    };
    let numbers = Memo::new(move |_| {
        versions
            .read(|page| page.items.iter().map(|row| row.number.to_string()).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let restoring = RwSignal::new(0);
    let row = move |number: String| {
        let row = Memo::new(move |_| {
            versions.read(|page| page.items.iter().find(|row| row.number.to_string() == number).cloned()).flatten()
        });
        view! { <Row pipeline=id.get_value() row current can_restore restoring /> }.into_any()
    };
    view! {
        <PageHead
            title
            parent=("/pipelines", "Pipelines")
            about=move || view! { <a href=href(format!("/pipelines/{}", id.get_value()))>"Back to the pipeline"</a> }
        />
        <div class="card">
            <QueryResult
                stage=Signal::derive(move || versions.stage())
                is_empty=false
                on_retry=move |()| versions.reload()
                nothing=|| ()
            >
                <Table
                    label="Versions"
                    columns=vec![
                        Column::text("Version", 26),
                        Column::text("Saved", 30),
                        Column::text("Commit", 18),
                        Column::actions(26),
                    ]
                    is_busy=Signal::derive(move || versions.is_busy())
                >
                    <Rows keys=Signal::derive(move || numbers.get()) row />
                </Table>
            </QueryResult>
            <Pager
                summary=Signal::derive(summary)
                page=page
                pages=Signal::derive(move || versions.read(|page| pages_of(page.total, page.total_is_at_least)).flatten())
                address=move |page: i32| format!("/pipelines/{}/versions?page={page}", id.get_value())
            />
        </div>
        <Restore pipeline=id.get_value() current found restoring />
        <Difference pipeline=id.get_value() current />
    }
}

#[component]
fn Row(
    pipeline: String,
    row: Memo<Option<Version>>,
    current: Memo<i32>,
    can_restore: Memo<bool>,
    /// The version that is to be restored; 0 for none.
    restoring: RwSignal<i32>,
) -> impl IntoView {
    let number = Memo::new(move |_| row.with(|row| row.as_ref().map_or(0, |row| row.number)));
    let saved = Signal::derive(move || row.with(|row| row.as_ref().map(|row| row.created_at)));
    let commit = move || {
        let commit = row.with(|row| row.as_ref().and_then(|row| row.git_sha.clone()));
        commit.map_or_else(
            || "–".into_any(),
            |commit| {
                let short = commit.get(..12).unwrap_or(&commit).to_owned();
                view! { <code title=commit>{short}</code> }.into_any()
            },
        )
    };
    let is_current = Memo::new(move |_| number.get() == current.get());
    let has_earlier = Memo::new(move |_| number.get() > 1);
    let pipeline = StoredValue::new(pipeline);
    view! {
        <tr>
            <td class="cell-main">
                <span class="cell-title">{move || format!("Version {}", number.get())}</span>
                <Show when=move || is_current.get()>
                    <span class="badge" data-tone="good">
                        "Current"
                    </span>
                </Show>
            </td>
            <td class="cell-wide" data-label="Saved">
                <OptionalTime at=saved />
            </td>
            <td data-label="Commit">{commit}</td>
            <td class="cell-actions">
                <Show when=move || has_earlier.get()>
                    <a
                        class="button button-small"
                        aria-label=move || format!("Changes of version {}", number.get())
                        href=move || {
                            let number = number.get();
                            href(format!("/pipelines/{}/versions?from={}&to={number}", pipeline.get_value(), number - 1))
                        }
                    >
                        "Changes"
                    </a>
                </Show>
                <Show when=move || can_restore.get() && !is_current.get()>
                    <button
                        type="button"
                        class="button button-small"
                        aria-label=move || format!("Restore version {}", number.get())
                        on:click=move |_| restoring.set(number.get_untracked())
                    >
                        "Restore"
                    </button>
                </Show>
            </td>
        </tr>
    }
}

/// The dialog that restores an earlier version.
#[component]
fn Restore(pipeline: String, current: Memo<i32>, found: Fetch<Pipeline>, restoring: RwSignal<i32>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let pipeline = StoredValue::new(pipeline);
    let user_action = UserAction::new();
    let is_asking = RwSignal::new(false);
    effect(move || {
        if restoring.get() > 0 {
            is_asking.set(true);
        }
    });
    Effect::watch(
        move || is_asking.get(),
        move |is_asking, _, _| {
            if !is_asking {
                restoring.set(0);
            }
        },
        false,
    );
    let restore = move |()| {
        let version = restoring.get_untracked();
        let request = pipeline_versions::restore(&pipeline.get_value(), version, current.get_untracked());
        user_action.run(request, move |restored| {
            is_asking.set(false);
            found.reload();
            toasts.success(format!("Version {version} was restored as version {}.", restored.version));
        });
    };
    view! {
        <Confirm
            open=is_asking
            title=Signal::derive(move || format!("Restore version {}?", restoring.get()))
            text=Signal::derive(move || {
                format!(
                    "Its text is saved as version {}. Version {} is kept, and active runs continue with the version they started with.",
                    current.get() + 1,
                    current.get(),
                )
            })
            action="Restore"
            user_action
            on_confirm=restore
        />
    }
}

/// The difference between the two versions in the URL.
#[component]
fn Difference(pipeline: String, current: Memo<i32>) -> impl IntoView {
    let (query, navigate) = (use_query_map(), use_navigate());
    let id = StoredValue::new(pipeline);
    let number = move |name: &str| query.with(|query| query.get(name)).and_then(|number| number.parse::<i32>().ok());
    let is_there = move |number: &i32| (1..=current.get()).contains(number);
    let to = Memo::new(move |_| number("to").filter(is_there).unwrap_or_else(|| current.get()));
    let from = Memo::new(move |_| number("from").filter(is_there).unwrap_or_else(|| (to.get() - 1).max(1)));
    let pair = Memo::new(move |_| (from.get(), to.get()));
    let found = Fetch::when(move || {
        let (from, to) = pair.get();
        // The result contains the compared versions, because the choice may have changed when the answer arrives.
        (from != to).then(|| pipeline_versions::diff(&id.get_value(), from, to).map(move |diff| ((from, to), diff)))
    });
    let change = Callback::new(move |(from, to): (String, String)| {
        let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
        navigate(&format!("/pipelines/{}/versions?from={from}&to={to}", id.get_value()), options);
    });
    let options = move || {
        let numbers = offered(current.get(), pair.get()).into_iter();
        numbers.map(|number| (number.to_string(), format!("Version {number}"))).collect::<Vec<_>>()
    };
    let summary = move || {
        found.read(|(_, diff)| match (diff.added, diff.removed) {
            (0, 0) => "The two versions are the same.".to_owned(),
            (added, removed) => {
                format!(
                    "{} added, {} removed",
                    format::counted(added.into(), "line"),
                    format::counted(removed.into(), "line")
                )
            }
        })
    };
    let table = move || {
        let (from, to) = pair.get();
        if from == to {
            return view! { <p class="form-text card-text">"Choose two versions to see how they differ."</p> }
                .into_any();
        }
        found
            .read(|((from, to), diff)| {
                let lines = diff.lines.clone();
                view! { <DiffTable old=format!("Version {from}") new=format!("Version {to}") lines /> }
            })
            .into_any()
    };
    view! {
        <Card title="Compare">
            <div class="compare-choice">
                <Select
                    label="From"
                    options=Signal::derive(options)
                    chosen=Signal::derive(move || from.get().to_string())
                    on_choose=move |from| change.run((from, to.get_untracked().to_string()))
                />
                <Select
                    label="To"
                    options=Signal::derive(options)
                    chosen=Signal::derive(move || to.get().to_string())
                    on_choose=move |to| change.run((from.get_untracked().to_string(), to))
                />
                <p class="compare-summary" role="status">
                    {summary}
                </p>
            </div>
            <Notice text=Signal::derive(move || found.failure().map(|error| error.to_string())) />
            <div aria-busy=move || found.is_busy().to_string()>{table}</div>
        </Card>
    }
}

/// The versions to choose from, newest first: the newest ones, which are always kept, and the chosen ones, which may be
/// older, since versions with which a run has started are kept, too.
fn offered(current: i32, (from, to): (i32, i32)) -> Vec<i32> {
    let oldest = (current - KEPT + 1).max(1);
    let mut numbers: Vec<i32> = (oldest..=current).rev().collect();
    numbers.extend([from.max(to), from.min(to)].into_iter().filter(|number| *number < oldest));
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::{KEPT, offered};

    #[test]
    fn the_kept_versions_and_the_chosen_ones_are_offered_newest_first() {
        assert_eq!(offered(3, (1, 3)), [3, 2, 1]);
        let kept = offered(KEPT + 2, (5, 4));
        assert_eq!((kept.len(), kept.first(), kept.last()), (1000, Some(&1002), Some(&3)));
        assert_eq!(offered(KEPT + 2, (2, 1))[999..], [3, 2, 1]);
        assert_eq!(offered(KEPT + 2, (1, 1))[999..], [3, 1]);
    }
}
