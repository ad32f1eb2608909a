//! Tests of single pipeline runs, step by step.

use super::{
    simulation::{Shape, TIMEOUTS, graph},
    *,
};
use crate::model::{pipeline::UpdateStep, retry::Retry};

/// A run of steps that depend on each other in a line, with its first step sent.
fn line(steps: usize) -> (RunStateMachine, DateTime<Utc>) {
    let shapes: Vec<Shape> = (0..steps).map(|_| (Vec::new(), 0, 1, false)).collect();
    let mut graph = graph(&shapes, None);
    for place in 1..steps {
        graph.nodes[place].needs = vec![place - 1];
    }
    let now = DateTime::UNIX_EPOCH;
    let mut state_machine = RunStateMachine::new(graph);
    assert_eq!(state_machine.advance(&vec![AgentAvailability::Ready; steps], &TIMEOUTS, now), [Effect::Send(0)]);
    (state_machine, now)
}

fn says(status: StepStatus) -> UpdateStep {
    UpdateStep { status: Some(status), ..UpdateStep::default() }
}

#[test]
fn steps_follow_each_other_and_the_run_ends_with_the_last() {
    let (mut state_machine, now) = line(2);
    assert_eq!(state_machine.run.status, PipelineRunStatus::Running);
    let reported = state_machine.report(0, &says(StepStatus::Completed), now).unwrap();
    assert_eq!(reported, Reported::Status(Some(Effect::Withdraw(0))));
    assert_eq!(state_machine.advance(&[AgentAvailability::Ready; 2], &TIMEOUTS, now), [Effect::Send(1)]);
    state_machine.report(1, &says(StepStatus::Completed), now).unwrap();
    assert_eq!(state_machine.advance(&[AgentAvailability::Ready; 2], &TIMEOUTS, now), []);
    assert_eq!((state_machine.run.status, state_machine.run.completed_at), (PipelineRunStatus::Completed, Some(now)));
}

#[test]
fn what_follows_a_failure_is_skipped_and_the_run_says_why_it_failed() {
    let (mut state_machine, now) = line(2);
    let report = UpdateStep { error_message: Some("no route to host".to_owned()), ..says(StepStatus::Failed) };
    state_machine.report(0, &report, now).unwrap();
    state_machine.advance(&[AgentAvailability::Ready; 2], &TIMEOUTS, now);
    assert_eq!(state_machine.steps[1].status, StepStatus::Skipped);
    assert_eq!(state_machine.steps[1].error_message.as_deref(), Some("the step needs `step-0`, which is failed"));
    assert_eq!(state_machine.run.error_message.as_deref(), Some("step `step-0` failed: no route to host"));
}

#[test]
fn a_failure_two_steps_back_is_one_that_can_be_waited_for() {
    let (mut state_machine, now) = line(3);
    state_machine.graph.nodes[2].when = When::Failure;
    state_machine.report(0, &says(StepStatus::Failed), now).unwrap();
    assert_eq!(state_machine.advance(&[AgentAvailability::Ready; 3], &TIMEOUTS, now), [Effect::Send(2)]);
    assert_eq!(state_machine.steps[1].status, StepStatus::Skipped);
}

#[test]
fn an_agent_that_stays_away_fails_its_step_at_the_lease() {
    let (mut state_machine, now) = line(1);
    let away = [AgentAvailability::Away(now)];
    assert_eq!(state_machine.advance(&away, &TIMEOUTS, now + TIMEOUTS.lease - TimeDelta::milliseconds(1)), []);
    assert_eq!(state_machine.advance(&away, &TIMEOUTS, now + TIMEOUTS.lease), [Effect::Stop(0)]);
    assert_eq!(state_machine.steps[0].error_message.as_deref(), Some("the agent was offline for longer than 5m"));
    let late = state_machine.report(0, &says(StepStatus::Completed), now + TIMEOUTS.lease).unwrap_err();
    assert!(late.is_late(), "{late}");
}

#[test]
fn the_next_attempt_waits_for_word_that_the_one_before_is_over() {
    let (mut state_machine, now) = line(1);
    state_machine.graph.nodes[0].retry = Retry::usual(2);
    state_machine.advance(&[AgentAvailability::Away(now)], &TIMEOUTS, now + TIMEOUTS.lease);
    assert_eq!((state_machine.steps[0].status, state_machine.steps[0].attempt), (StepStatus::Queued, 2));
    let later = now + TIMEOUTS.lease + TimeDelta::minutes(1);
    assert_eq!(state_machine.advance(&[AgentAvailability::Away(now)], &TIMEOUTS, later), []);
    assert_eq!(state_machine.advance(&[AgentAvailability::Busy], &TIMEOUTS, later), []);
    assert_eq!(state_machine.advance(&[AgentAvailability::Ready], &TIMEOUTS, later), [Effect::Send(0)]);
}

#[test]
fn what_was_done_before_it_was_given_up_is_not_done_again() {
    let (mut state_machine, now) = line(1);
    state_machine.graph.nodes[0].retry = Retry::usual(2);
    state_machine.advance(&[AgentAvailability::Away(now)], &TIMEOUTS, now + TIMEOUTS.lease);
    let report = UpdateStep { attempt: Some(1), ..says(StepStatus::Completed) };
    state_machine.report(0, &report, now + TIMEOUTS.lease).unwrap();
    state_machine.advance(&[AgentAvailability::Ready], &TIMEOUTS, now + TIMEOUTS.lease);
    assert_eq!((state_machine.steps[0].attempt, state_machine.run.status), (1, PipelineRunStatus::Completed));
    let again = state_machine.report(0, &report, now + TIMEOUTS.lease).unwrap();
    assert_eq!(
        (again, state_machine.steps[0].sent_at),
        (Reported::Nothing(Some(Effect::Withdraw(0))), Some(now + TIMEOUTS.lease))
    );
}

#[test]
fn the_last_attempt_that_was_sent_is_believed_however_many_were_given_up_since() {
    let (mut state_machine, now) = line(1);
    state_machine.graph.nodes[0].retry = Retry::usual(4);
    for leases in [1, 3] {
        state_machine.advance(&[AgentAvailability::Away(now)], &TIMEOUTS, now + TIMEOUTS.lease * leases);
    }
    assert_eq!((state_machine.steps[0].attempt, state_machine.steps[0].sent_attempt), (3, Some(1)));
    let report = UpdateStep { attempt: Some(1), ..says(StepStatus::Completed) };
    state_machine.report(0, &report, now + TIMEOUTS.lease * 4).unwrap();
    assert_eq!((state_machine.steps[0].status, state_machine.steps[0].attempt), (StepStatus::Completed, 1));
}

#[test]
fn word_of_an_earlier_attempt_is_no_word_of_the_last_one() {
    let (mut state_machine, now) = line(1);
    state_machine.graph.nodes[0].retry = Retry::usual(3);
    let first = UpdateStep { attempt: Some(1), ..says(StepStatus::Failed) };
    state_machine.report(0, &first, now).unwrap();
    let later = now + TimeDelta::minutes(1);
    assert_eq!(state_machine.advance(&[AgentAvailability::Ready], &TIMEOUTS, later), [Effect::Send(0)]);
    assert_eq!(
        state_machine.advance(&[AgentAvailability::Away(later)], &TIMEOUTS, later + TIMEOUTS.lease),
        [Effect::Stop(0)]
    );
    assert_eq!(state_machine.report(0, &first, later + TIMEOUTS.lease).unwrap(), Reported::Nothing(None));
    let second = UpdateStep { attempt: Some(2), ..says(StepStatus::Cancelled) };
    let outcome = state_machine.report(0, &second, later + TIMEOUTS.lease).unwrap();
    assert_eq!(outcome, Reported::Nothing(Some(Effect::Withdraw(0))));
}

#[test]
fn a_cancelled_run_begins_nothing_and_ends_when_its_agent_has_stopped() {
    let (mut state_machine, now) = line(2);
    assert_eq!(state_machine.cancel(now), [Effect::Stop(0)]);
    assert_eq!(state_machine.steps[1].status, StepStatus::Cancelled);
    assert_eq!(state_machine.run.status, PipelineRunStatus::Running);
    state_machine.report(0, &says(StepStatus::Cancelled), now).unwrap();
    state_machine.advance(&[AgentAvailability::Ready; 2], &TIMEOUTS, now);
    assert_eq!(state_machine.run.status, PipelineRunStatus::Cancelled);
}

#[test]
fn an_agent_that_has_nothing_of_a_step_ends_it_by_saying_so_and_only_once_it_was_cancelled() {
    let (mut state_machine, now) = line(2);
    assert_eq!(state_machine.confirm_stop(0, now), None, "no stop was requested");
    state_machine.cancel(now);
    assert_eq!(state_machine.confirm_stop(0, now), Some(Effect::Withdraw(0)));
    state_machine.advance(&[AgentAvailability::Ready; 2], &TIMEOUTS, now);
    assert_eq!(
        (state_machine.steps[0].status, state_machine.run.status),
        (StepStatus::Cancelled, PipelineRunStatus::Cancelled)
    );
    assert_eq!(state_machine.confirm_stop(0, now), None, "it has ended");
}

#[test]
fn a_cancel_request_that_no_agent_confirms_fails_the_run() {
    let (mut state_machine, now) = line(1);
    state_machine.cancel(now);
    assert_eq!(state_machine.due_at(&TIMEOUTS, now), Some(now + TIMEOUTS.lease));
    state_machine.advance(&[AgentAvailability::Ready], &TIMEOUTS, now + TIMEOUTS.lease);
    assert_eq!(state_machine.run.status, PipelineRunStatus::Failed);
    assert_eq!(
        state_machine.run.error_message.as_deref(),
        Some("step `step-0` failed: the agent did not confirm the cancel request within 5m")
    );
}

#[test]
fn a_rerun_keeps_what_was_done_and_decides_the_rest_anew() {
    let (mut state_machine, now) = line(4);
    state_machine.graph.nodes[2].when = When::Failure;
    state_machine.graph.nodes[3].when = When::Always;
    state_machine.report(0, &says(StepStatus::Completed), now).unwrap();
    state_machine.advance(&[AgentAvailability::Ready; 4], &TIMEOUTS, now);
    for (place, status) in [(1, StepStatus::Failed), (2, StepStatus::Completed), (3, StepStatus::Completed)] {
        state_machine.report(place, &says(status), now).unwrap();
        state_machine.advance(&[AgentAvailability::Ready; 4], &TIMEOUTS, now);
    }
    assert_eq!(state_machine.run.status, PipelineRunStatus::Failed);
    let mut again = state_machine.again(state_machine.graph.clone());
    assert_eq!(again.advance(&[AgentAvailability::Ready; 4], &TIMEOUTS, now), [Effect::Send(1)]);
    let statuses: Vec<StepStatus> = again.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Completed, StepStatus::Queued, StepStatus::Queued, StepStatus::Queued]);
}

#[test]
fn webhooks_that_were_not_claimed_are_due_and_nothing_else_is() {
    let mut state_machine = RunStateMachine::new(graph(&[(Vec::new(), 0, 1, true), (Vec::new(), 0, 1, true)], None));
    let now = DateTime::UNIX_EPOCH;
    assert_eq!(state_machine.advance(&[AgentAvailability::Ready; 2], &TIMEOUTS, now), []);
    assert_eq!((state_machine.unclaimed(now), state_machine.due_at(&TIMEOUTS, now)), (vec![0, 1], Some(now)));
    assert_eq!(state_machine.due_apart_from_webhooks(&TIMEOUTS, now), None);
    state_machine.claim(0, now);
    assert_eq!(state_machine.due_at(&TIMEOUTS, now), Some(now));
    assert_eq!(state_machine.due_apart_from_webhooks(&TIMEOUTS, now), Some(now + TIMEOUTS.webhook));
}
