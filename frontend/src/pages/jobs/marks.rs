//! The outcome of the newest runs as small marks.

use leptos::prelude::*;

use crate::{api::runs::JobRun, clock::Clock, words};

/// How many runs have a mark.
const MOST: usize = 10;

/// One mark for each run, the newest at the right.
#[component]
pub(super) fn Marks(
    /// Newest first.
    runs: Memo<Vec<JobRun>>,
) -> impl IntoView {
    let mark = |run: &JobRun| {
        let (word, tone) = words::jobs::run_state(run);
        let title = format!("{}: {word}", Clock::full_moment(run.started_at));
        view! { <span class="mark" data-tone=tone.name() title=title></span> }
    };
    view! {
        <span class="marks" role="img" aria-label=move || runs.with(|runs| words::jobs::runs(runs))>
            {move || runs.with(|runs| runs.iter().rev().map(mark).collect_view())}
            {move || runs.with(Vec::is_empty).then(|| view! { <span class="cell-quiet">"No runs yet"</span> })}
        </span>
    }
}

/// Takes a run in among the newest of its job, which are in order, newest first.
pub(super) fn take_in(runs: &mut Vec<JobRun>, run: JobRun) {
    match runs.iter_mut().find(|known| known.id == run.id) {
        Some(known) if known.revision <= run.revision => *known = run,
        Some(_) => {}
        None => {
            let place = runs.partition_point(|known| known.started_at >= run.started_at);
            runs.insert(place, run);
            runs.truncate(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::runs::RunStatus, time::Instant};

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
        }
    }

    fn ids(runs: &[JobRun]) -> Vec<&str> {
        runs.iter().map(|run| run.id.inner()).collect()
    }

    #[test]
    fn a_new_run_pushes_the_oldest_out() {
        let mut runs: Vec<_> = (0..10).rev().map(|at| run(&at.to_string(), at, 1)).collect();
        take_in(&mut runs, run("new", 10, 1));
        assert_eq!(ids(&runs), ["new", "9", "8", "7", "6", "5", "4", "3", "2", "1"]);
        take_in(&mut runs, run("old", -1, 1));
        assert_eq!(runs.len(), 10);
        assert_eq!(runs[9].id.inner(), "1");
    }

    #[test]
    fn the_newest_revision_stays() {
        let mut runs = vec![run("a", 1, 2)];
        take_in(&mut runs, run("a", 1, 1));
        assert_eq!(runs[0].revision, 2);
        take_in(&mut runs, run("a", 1, 3));
        assert_eq!((runs[0].revision, runs.len()), (3, 1));
    }
}
