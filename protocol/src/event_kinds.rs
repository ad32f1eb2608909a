//! The kinds of events, each declared once.

/// Calls the macro `$macro` with the kinds of events. Each kind has its description in GraphQL, its Rust name and,
/// except in `unlogged`, its name in the dashboard. The enums of the server, of GraphQL and of the dashboard are
/// generated from these lists. Each list says who sees the events of its kinds in the event log:
///
/// - `customers`: administrators, and the users of the customer that owns the event's object.
/// - `administrators`: administrators only.
/// - `unlogged`: not in the event log.
#[macro_export]
macro_rules! event_kinds {
    ($macro:ident) => {
        $macro! {
            customers {
                /// An agent registered.
                AgentRegistered = "Agent registered",
                /// The status of an agent changed.
                AgentStatusChanged = "Agent changed status",
                /// An agent got a new API key.
                AgentKeyRotated = "Agent key rotated",
                /// A user requested that an agent replaces its API key.
                AgentKeyRotationRequested = "Agent key rotation requested",
                /// An agent got a new client certificate.
                AgentCertificateIssued = "Agent certificate issued",
                /// Two processes ran with copies of one agent's state; the server stopped the later one.
                AgentDuplicateStopped = "Duplicate agent stopped",
                /// An agent was revoked.
                AgentRevoked = "Agent revoked",
                /// A transfer was created.
                TransferCreated = "Transfer created",
                /// The status of a transfer changed.
                TransferStatusChanged = "Transfer changed status",
                /// A running transfer stalled: it has made no progress for a while.
                TransferStalled = "Transfer stalled",
                /// A stalled transfer made progress again.
                TransferResumed = "Transfer resumed",
                /// A user requested the cancellation of a running transfer.
                TransferCancelRequested = "Transfer cancellation requested",
                /// A job was created.
                JobCreated = "Job created",
                /// A job was changed, enabled or disabled.
                JobUpdated = "Job updated",
                /// A job was deleted.
                JobDeleted = "Job deleted",
                /// An enrolment code was created.
                EnrolmentCodeCreated = "Enrolment code created",
                /// An enrolment code was deleted.
                EnrolmentCodeDeleted = "Enrolment code deleted",
                /// A pipeline was created.
                PipelineCreated = "Pipeline created",
                /// A pipeline was changed: its name, description or definition, or whether it is enabled.
                PipelineUpdated = "Pipeline updated",
                /// A pipeline was deleted.
                PipelineDeleted = "Pipeline deleted",
                /// A new webhook secret was created.
                WebhookSecretRotated = "Webhook secret rotated",
            }
            administrators {
                /// A run of a job was requested outside its schedule, by a user or by the retry policy.
                JobRunRequested = "Job run requested",
                /// A job run started.
                JobRunStarted = "Job run started",
                /// A job run ended.
                JobRunStatusChanged = "Job run changed status",
                /// A user requested the cancellation of a job run.
                JobRunCancelRequested = "Job run cancellation requested",
                /// An agent reported a job run after its lease had ended. The object holds the report; the run was not changed.
                JobRunReportedLate = "Job run reported too late",
                /// The outcome of a slot, or of a range of slots, of a job's schedule was decided.
                JobSlotDecided = "Job slot decided",
                /// A customer was created.
                CustomerCreated = "Customer created",
                /// A customer was renamed or suspended, or its suspension ended.
                CustomerUpdated = "Customer updated",
                /// A user was created.
                UserCreated = "User created",
                /// The password, role or suspension of a user changed.
                UserUpdated = "User updated",
                /// A user signed in.
                SignedIn = "Signed in",
                /// A user signed out.
                SignedOut = "Signed out",
                /// A session was ended, because a refresh token was used again after its successor had been used.
                SessionEndedForReuse = "Session ended: refresh token used twice",
                /// A pipeline run was created.
                PipelineRunCreated = "Pipeline run created",
                /// The status of a pipeline run changed.
                PipelineRunStatusChanged = "Pipeline run changed status",
                /// The status or attempt of steps changed, while the status of their pipeline run stayed the same. The object
                /// has only these steps and no parameters.
                PipelineStepStatusChanged = "Pipeline step changed status",
                /// A user requested the cancellation of a pipeline run.
                PipelineRunCancelRequested = "Pipeline run cancellation requested",
                /// An agent reported the end of a step after the server had ended it. The object has only this step and no
                /// parameters.
                PipelineStepReportedLate = "Pipeline step reported too late",
                /// The outcome of a slot, or of a range of slots, of a pipeline's schedule was decided.
                PipelineSlotDecided = "Pipeline slot decided",
            }
            unlogged {
                /// An agent sent a heartbeat; nothing else changed.
                AgentHeard,
                /// The progress of a transfer changed; nothing else did.
                TransferProgressed,
                /// A job started, or its next slot changed; nothing else did.
                JobMoved,
                /// The progress of a job run changed; nothing else did.
                JobRunProgressed,
                /// The progress of a step changed; nothing else did.
                PipelineRunProgressed,
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    macro_rules! names {
        (
            customers { $($(#[$customers_text:meta])+ $customers:ident = $customers_name:literal,)+ }
            administrators { $($(#[$administrators_text:meta])+ $administrators:ident = $administrators_name:literal,)+ }
            unlogged { $($unlogged:tt)+ }
        ) => {
            const NAMES: &[&str] = &[$($customers_name,)+ $($administrators_name,)+];
        };
    }

    event_kinds!(names);

    #[test]
    fn no_two_kinds_of_events_have_the_same_name() {
        let names: BTreeSet<&&str> = NAMES.iter().collect();
        assert_eq!(names.len(), NAMES.len());
    }
}
