//! The states of the newest runs of a job or a pipeline, as small marks.

use leptos::prelude::*;

use crate::{live::Revisioned, ui::Tone};

/// The maximum number of runs with a mark.
const MOST: usize = 10;

/// One mark for each run, the newest at the right.
#[component]
pub(super) fn RecentRuns(
    /// The summary of all marks, for screen readers.
    label: Signal<String>,
    /// The tone and the tooltip of each run, newest first.
    runs: Signal<Vec<(Tone, String)>>,
) -> impl IntoView {
    let mark = |(tone, title): &(Tone, String)| {
        view! { <span class="mark" data-tone=tone.name() title=title.clone()></span> }
    };
    view! {
        <span class="marks" role="img" aria-label=move || label.get()>
            {move || runs.with(|runs| runs.iter().rev().map(mark).collect_view())}
            {move || runs.with(Vec::is_empty).then(|| view! { <span class="cell-quiet">"No runs yet"</span> })}
        </span>
    }
}

/// Updates a run in a list of the newest runs, or inserts it. The list has the newest run first; `age` returns the
/// value that orders runs, which is higher for newer ones.
pub(super) fn insert_run<T: Revisioned, A: PartialOrd>(runs: &mut Vec<T>, run: T, age: impl Fn(&T) -> A) {
    match runs.iter_mut().find(|known| known.id() == run.id()) {
        Some(known) if known.revision() <= run.revision() => *known = run,
        Some(_) => {}
        None => {
            let began = age(&run);
            let place = runs.partition_point(|known| age(known) >= began);
            runs.insert(place, run);
            runs.truncate(MOST);
        }
    }
}

/// Merges queried runs with the runs that are known from updates. Of two states of a run, the newer one is kept.
pub(super) fn with_updates<T: Revisioned, A: PartialOrd>(
    mut queried: Vec<T>,
    known: Vec<T>,
    age: impl Fn(&T) -> A,
) -> Vec<T> {
    for run in known {
        insert_run(&mut queried, run, &age);
    }
    queried
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::job_runs::{JobRun, RunStatus},
        time::Instant,
    };

    fn run(id: &str, started_at: i64, revision: i32) -> JobRun {
        JobRun {
            id: cynic::Id::new(id),
            job_id: cynic::Id::new("j"),
            status: RunStatus::Running,
            started_at: Instant(started_at),
            completed_at: None,
            error_message: None,
            bytes_transferred: None,
            scheduled_for: None,
            attempt: 1,
            retry_of: None,
            cancel_requested_at: None,
            revision,
            viewer_can_cancel: false,
            viewer_can_retry: false,
        }
    }

    fn ids(runs: &[JobRun]) -> Vec<&str> {
        runs.iter().map(|run| run.id.inner()).collect()
    }

    #[test]
    fn a_new_run_pushes_the_oldest_out() {
        let mut runs: Vec<_> = (0..10).rev().map(|at| run(&at.to_string(), at, 1)).collect();
        insert_run(&mut runs, run("new", 10, 1), |run| run.started_at);
        assert_eq!(ids(&runs), ["new", "9", "8", "7", "6", "5", "4", "3", "2", "1"]);
        insert_run(&mut runs, run("old", -1, 1), |run| run.started_at);
        assert_eq!(runs.len(), 10);
        assert_eq!(runs[9].id.inner(), "1");
    }

    #[test]
    fn the_newest_revision_stays() {
        let mut runs = vec![run("a", 1, 2)];
        insert_run(&mut runs, run("a", 1, 1), |run| run.started_at);
        assert_eq!(runs[0].revision, 2);
        insert_run(&mut runs, run("a", 1, 3), |run| run.started_at);
        assert_eq!((runs[0].revision, runs.len()), (3, 1));
    }

    #[test]
    fn a_late_answer_does_not_undo_an_update() {
        let queried = vec![run("b", 2, 1), run("a", 1, 4)];
        let runs = with_updates(queried, vec![run("c", 3, 1), run("b", 2, 2), run("a", 1, 3)], |run| run.started_at);
        assert_eq!(ids(&runs), ["c", "b", "a"]);
        assert_eq!(runs.iter().map(|run| run.revision).collect::<Vec<_>>(), [1, 2, 4]);
    }
}
