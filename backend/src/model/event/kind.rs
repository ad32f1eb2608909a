//! The kinds of events. Each is declared once, in the list that says who sees it in the log; the enum of GraphQL follows.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator};

/// Who sees events of a kind in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visibility {
    /// Administrators, and the users of the customer whose object the event is about.
    Customers,
    /// Administrators only.
    Administrators,
    /// The log does not keep them.
    Unlogged,
}

/// Declares all kinds, and with them [`Kind`], [`LoggedKind`] and the visibility of each.
macro_rules! kinds {
    (
        customers { $($(#[doc = $customers_text:literal])+ $(#[cfg($customers_cfg:meta)])? $customers:ident,)+ }
        administrators { $($(#[doc = $administrators_text:literal])+ $administrators:ident,)+ }
        unlogged { $($(#[doc = $unlogged_text:literal])+ $unlogged:ident,)+ }
    ) => {
        /// What has happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter, EnumString, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[strum(serialize_all = "camelCase")]
        pub enum Kind {
            $($(#[doc = $customers_text])+ $(#[cfg($customers_cfg)])? $customers,)+
            $($(#[doc = $administrators_text])+ $administrators,)+
            $($(#[doc = $unlogged_text])+ $unlogged,)+
            /// Something that a newer version of the server has a word for, and this one has not. Never written.
            #[serde(other)]
            Unknown,
        }

        /// The kind of an event in the event log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        #[graphql(name = "EventKind")]
        pub enum LoggedKind {
            $($(#[doc = $customers_text])+ $(#[cfg($customers_cfg)])? $customers,)+
            $($(#[doc = $administrators_text])+ $administrators,)+
            /// A kind that this version of the server does not know; a newer version wrote the event.
            Unknown,
        }

        impl Kind {
            /// Who sees it. An unknown kind is for administrators: it may be one that customers must not see.
            const fn visibility(self) -> Visibility {
                match self {
                    $(Self::$administrators)|+ | Self::Unknown => Visibility::Administrators,
                    $(Self::$unlogged)|+ => Visibility::Unlogged,
                    _ => Visibility::Customers,
                }
            }

            /// The kind in the log; none if the log does not keep it.
            #[must_use]
            pub const fn logged(self) -> Option<LoggedKind> {
                Some(match self {
                    $($(#[cfg($customers_cfg)])? Self::$customers => LoggedKind::$customers,)+
                    $(Self::$administrators => LoggedKind::$administrators,)+
                    Self::Unknown => LoggedKind::Unknown,
                    $(Self::$unlogged)|+ => return None,
                })
            }
        }
    };
}

kinds! {
    customers {
        /// An agent registered.
        AgentRegistered,
        /// The status of an agent changed.
        AgentStatusChanged,
        /// An agent got a new API key.
        AgentKeyRotated,
        /// Two processes ran with copies of one agent's state; the server stopped the later one.
        AgentDuplicateStopped,
        /// An agent was revoked.
        AgentRevoked,
        /// A transfer was created.
        TransferCreated,
        /// The status of a transfer changed.
        TransferStatusChanged,
        /// A running transfer stalled: it has made no progress for a while.
        TransferStalled,
        /// A stalled transfer made progress again.
        TransferResumed,
        /// A user requested the cancellation of a running transfer.
        TransferCancelRequested,
        /// A job was created.
        JobCreated,
        /// A job was changed, enabled or disabled.
        JobUpdated,
        /// A job was deleted.
        JobDeleted,
        /// An enrolment code was created.
        EnrolmentCodeCreated,
        /// An enrolment code was deleted.
        EnrolmentCodeDeleted,
        /// A pipeline was created.
        PipelineCreated,
        /// A pipeline was changed: its name, description or definition, or whether it is enabled.
        PipelineUpdated,
        /// A pipeline was deleted.
        PipelineDeleted,
        /// A new webhook secret was created.
        WebhookSecretRotated,
        /// What a later version may tell.
        #[cfg(feature = "next-version")]
        TransferWeighed,
    }
    administrators {
        /// A run of a job was requested outside its schedule, by a user or by the retry policy.
        JobRunRequested,
        /// A job run started.
        JobRunStarted,
        /// A job run ended.
        JobRunStatusChanged,
        /// A user requested the cancellation of a job run.
        JobRunCancelRequested,
        /// An agent reported a job run after its lease had ended. The object holds the report; the run was not changed.
        JobRunReportedLate,
        /// The outcome of a slot, or of a range of slots, of a job's schedule was decided.
        JobSlotDecided,
        /// A customer was created.
        CustomerCreated,
        /// A customer was renamed or suspended, or its suspension ended.
        CustomerUpdated,
        /// A user was created.
        UserCreated,
        /// The password, role or suspension of a user changed.
        UserUpdated,
        /// A user signed in.
        SignedIn,
        /// A user signed out.
        SignedOut,
        /// A session was ended, because a refresh token was used again after its successor had been used.
        SessionEndedForReuse,
        /// A pipeline run was created.
        PipelineRunCreated,
        /// The status of a pipeline run changed.
        PipelineRunStatusChanged,
        /// The status or attempt of steps changed, while the status of their pipeline run stayed the same. The object
        /// has only these steps and no parameters.
        PipelineStepStatusChanged,
        /// A user requested the cancellation of a pipeline run.
        PipelineRunCancelRequested,
        /// An agent reported the end of a step after the server had ended it. The object has only this step and no
        /// parameters.
        PipelineStepReportedLate,
        /// The outcome of a slot, or of a range of slots, of a pipeline's schedule was decided.
        PipelineSlotDecided,
    }
    unlogged {
        /// An agent was heard; nothing else changed.
        AgentHeard,
        /// A transfer's figures moved; nothing else changed.
        TransferProgressed,
        /// A job started, or when it is due moved on; nothing else changed.
        JobMoved,
        /// A run's figures moved; nothing else changed.
        JobRunProgressed,
        /// A step's figures moved; nothing else changed.
        PipelineRunProgressed,
    }
}

impl Kind {
    /// The kinds that customers see in the log.
    pub fn told_to_customers() -> impl Iterator<Item = Self> {
        Self::iter().filter(|kind| kind.visibility() == Visibility::Customers)
    }

    /// Whether the log keeps it: all but progress.
    #[must_use]
    pub const fn is_logged(self) -> bool {
        !matches!(self.visibility(), Visibility::Unlogged)
    }

    /// Whether the object of such an event is the state it has from then on. Of a kind that this version does not know it is:
    /// a new kind of which that is not so comes with a new type of object.
    #[must_use]
    pub const fn tells_state(self) -> bool {
        !matches!(self, Self::JobRunReportedLate | Self::PipelineStepReportedLate)
    }
}
