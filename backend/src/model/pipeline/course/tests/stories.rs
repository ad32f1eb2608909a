//! What becomes of a run, told step by step.

use super::*;

/// A run of steps in a line, its first step sent.
fn line(steps: usize) -> (Course, DateTime<Utc>) {
    let shapes: Vec<Shape> = (0..steps).map(|_| (Vec::new(), 0, 1, false)).collect();
    let mut graph = graph(&shapes, None);
    for place in 1..steps {
        graph.nodes[place].needs = vec![place - 1];
    }
    let now = DateTime::UNIX_EPOCH;
    let mut course = Course::new(graph);
    assert_eq!(course.advance(&vec![Carrier::Ready; steps], &TERMS, now), [Effect::Send(0)]);
    (course, now)
}

fn says(status: StepStatus) -> UpdateStep {
    UpdateStep { status: Some(status), ..UpdateStep::default() }
}

#[test]
fn steps_follow_each_other_and_the_run_ends_with_the_last() {
    let (mut course, now) = line(2);
    assert_eq!(course.run.status, PipelineRunStatus::Running);
    let reported = course.report(0, &says(StepStatus::Completed), now).unwrap();
    assert_eq!(reported, Reported::Status(Some(Effect::Settle(0))));
    assert_eq!(course.advance(&[Carrier::Ready; 2], &TERMS, now), [Effect::Send(1)]);
    course.report(1, &says(StepStatus::Completed), now).unwrap();
    assert_eq!(course.advance(&[Carrier::Ready; 2], &TERMS, now), []);
    assert_eq!((course.run.status, course.run.completed_at), (PipelineRunStatus::Completed, Some(now)));
}

#[test]
fn what_follows_a_failure_is_skipped_and_the_run_says_why_it_failed() {
    let (mut course, now) = line(2);
    let report = UpdateStep { error_message: Some("no route to host".to_owned()), ..says(StepStatus::Failed) };
    course.report(0, &report, now).unwrap();
    course.advance(&[Carrier::Ready; 2], &TERMS, now);
    assert_eq!(course.steps[1].status, StepStatus::Skipped);
    assert_eq!(course.steps[1].error_message.as_deref(), Some("it needs `step-0`, which is failed"));
    assert_eq!(course.run.error_message.as_deref(), Some("step `step-0` failed: no route to host"));
}

#[test]
fn a_failure_two_steps_back_is_one_that_can_be_waited_for() {
    let (mut course, now) = line(3);
    course.graph.nodes[2].when = When::Failure;
    course.report(0, &says(StepStatus::Failed), now).unwrap();
    assert_eq!(course.advance(&[Carrier::Ready; 3], &TERMS, now), [Effect::Send(2)]);
    assert_eq!(course.steps[1].status, StepStatus::Skipped);
}

#[test]
fn an_agent_that_stays_away_fails_its_step_at_the_lease() {
    let (mut course, now) = line(1);
    let away = [Carrier::Away(now)];
    assert_eq!(course.advance(&away, &TERMS, now + TERMS.lease - TimeDelta::milliseconds(1)), []);
    assert_eq!(course.advance(&away, &TERMS, now + TERMS.lease), [Effect::Stop(0)]);
    assert_eq!(course.steps[0].error_message.as_deref(), Some("the agent was offline for longer than 5m"));
    let late = course.report(0, &says(StepStatus::Completed), now + TERMS.lease).unwrap_err();
    assert!(late.is_late(), "{late}");
}

#[test]
fn the_next_attempt_waits_for_word_that_the_one_before_is_over() {
    let (mut course, now) = line(1);
    course.graph.nodes[0].retry = Retry::usual(2);
    course.advance(&[Carrier::Away(now)], &TERMS, now + TERMS.lease);
    assert_eq!((course.steps[0].status, course.steps[0].attempt), (StepStatus::Queued, 2));
    let later = now + TERMS.lease + TimeDelta::minutes(1);
    assert_eq!(course.advance(&[Carrier::Away(now)], &TERMS, later), []);
    assert_eq!(course.advance(&[Carrier::Busy], &TERMS, later), []);
    assert_eq!(course.advance(&[Carrier::Ready], &TERMS, later), [Effect::Send(0)]);
}

#[test]
fn what_was_done_before_it_was_given_up_is_not_done_again() {
    let (mut course, now) = line(1);
    course.graph.nodes[0].retry = Retry::usual(2);
    course.advance(&[Carrier::Away(now)], &TERMS, now + TERMS.lease);
    let report = UpdateStep { attempt: Some(1), ..says(StepStatus::Completed) };
    course.report(0, &report, now + TERMS.lease).unwrap();
    course.advance(&[Carrier::Ready], &TERMS, now + TERMS.lease);
    assert_eq!((course.steps[0].attempt, course.run.status), (1, PipelineRunStatus::Completed));
    let again = course.report(0, &report, now + TERMS.lease).unwrap();
    assert_eq!((again, course.steps[0].sent_at), (Reported::Nothing(Some(Effect::Settle(0))), Some(now + TERMS.lease)));
}

#[test]
fn the_last_attempt_that_was_sent_is_believed_however_many_were_given_up_since() {
    let (mut course, now) = line(1);
    course.graph.nodes[0].retry = Retry::usual(4);
    for leases in [1, 3] {
        course.advance(&[Carrier::Away(now)], &TERMS, now + TERMS.lease * leases);
    }
    assert_eq!((course.steps[0].attempt, course.steps[0].sent_attempt), (3, Some(1)));
    let report = UpdateStep { attempt: Some(1), ..says(StepStatus::Completed) };
    course.report(0, &report, now + TERMS.lease * 4).unwrap();
    assert_eq!((course.steps[0].status, course.steps[0].attempt), (StepStatus::Completed, 1));
}

#[test]
fn word_of_an_earlier_attempt_is_no_word_of_the_last_one() {
    let (mut course, now) = line(1);
    course.graph.nodes[0].retry = Retry::usual(3);
    let first = UpdateStep { attempt: Some(1), ..says(StepStatus::Failed) };
    course.report(0, &first, now).unwrap();
    let later = now + TimeDelta::minutes(1);
    assert_eq!(course.advance(&[Carrier::Ready], &TERMS, later), [Effect::Send(0)]);
    assert_eq!(course.advance(&[Carrier::Away(later)], &TERMS, later + TERMS.lease), [Effect::Stop(0)]);
    assert_eq!(course.report(0, &first, later + TERMS.lease).unwrap(), Reported::Nothing(None));
    let second = UpdateStep { attempt: Some(2), ..says(StepStatus::Cancelled) };
    let heard = course.report(0, &second, later + TERMS.lease).unwrap();
    assert_eq!(heard, Reported::Nothing(Some(Effect::Settle(0))));
}

#[test]
fn a_cancelled_run_begins_nothing_and_ends_when_its_agent_has_stopped() {
    let (mut course, now) = line(2);
    assert_eq!(course.cancel(now), [Effect::Stop(0)]);
    assert_eq!(course.steps[1].status, StepStatus::Cancelled);
    assert_eq!(course.run.status, PipelineRunStatus::Running);
    course.report(0, &says(StepStatus::Cancelled), now).unwrap();
    course.advance(&[Carrier::Ready; 2], &TERMS, now);
    assert_eq!(course.run.status, PipelineRunStatus::Cancelled);
}

#[test]
fn an_agent_that_has_nothing_of_a_step_ends_it_by_saying_so_and_only_once_it_was_cancelled() {
    let (mut course, now) = line(2);
    assert_eq!(course.stopped(0, now), None, "nobody asked for that");
    course.cancel(now);
    assert_eq!(course.stopped(0, now), Some(Effect::Settle(0)));
    course.advance(&[Carrier::Ready; 2], &TERMS, now);
    assert_eq!((course.steps[0].status, course.run.status), (StepStatus::Cancelled, PipelineRunStatus::Cancelled));
    assert_eq!(course.stopped(0, now), None, "it has ended");
}

#[test]
fn a_cancel_that_nobody_confirms_fails_the_run() {
    let (mut course, now) = line(1);
    course.cancel(now);
    assert_eq!(course.due_at(&TERMS, now), Some(now + TERMS.lease));
    course.advance(&[Carrier::Ready], &TERMS, now + TERMS.lease);
    assert_eq!(course.run.status, PipelineRunStatus::Failed);
    assert_eq!(
        course.run.error_message.as_deref(),
        Some("step `step-0` failed: the agent did not confirm the cancel within 5m")
    );
}

#[test]
fn a_rerun_keeps_what_was_done_and_decides_the_rest_anew() {
    let (mut course, now) = line(4);
    course.graph.nodes[2].when = When::Failure;
    course.graph.nodes[3].when = When::Always;
    course.report(0, &says(StepStatus::Completed), now).unwrap();
    course.advance(&[Carrier::Ready; 4], &TERMS, now);
    for (place, status) in [(1, StepStatus::Failed), (2, StepStatus::Completed), (3, StepStatus::Completed)] {
        course.report(place, &says(status), now).unwrap();
        course.advance(&[Carrier::Ready; 4], &TERMS, now);
    }
    assert_eq!(course.run.status, PipelineRunStatus::Failed);
    let mut again = course.again(course.graph.clone());
    assert_eq!(again.advance(&[Carrier::Ready; 4], &TERMS, now), [Effect::Send(1)]);
    let statuses: Vec<StepStatus> = again.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Completed, StepStatus::Queued, StepStatus::Queued, StepStatus::Queued]);
}

#[test]
fn webhooks_that_were_not_claimed_are_due_and_nothing_else_is() {
    let mut course = Course::new(graph(&[(Vec::new(), 0, 1, true), (Vec::new(), 0, 1, true)], None));
    let now = DateTime::UNIX_EPOCH;
    assert_eq!(course.advance(&[Carrier::Ready; 2], &TERMS, now), []);
    assert_eq!((course.unclaimed(now), course.due_at(&TERMS, now)), (vec![0, 1], Some(now)));
    assert_eq!(course.due_apart_from_webhooks(&TERMS, now), None);
    course.claim(0, now);
    assert_eq!(course.due_at(&TERMS, now), Some(now));
    assert_eq!(course.due_apart_from_webhooks(&TERMS, now), Some(now + TERMS.sending));
}
