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

        /// What has happened, of what the log keeps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        #[graphql(name = "EventKind")]
        pub enum LoggedKind {
            $($(#[doc = $customers_text])+ $(#[cfg($customers_cfg)])? $customers,)+
            $($(#[doc = $administrators_text])+ $administrators,)+
            /// Something that this version of the server has no word for: a newer one wrote it.
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
        /// An agent's status changed.
        AgentStatusChanged,
        /// An agent got a new key.
        AgentKeyRotated,
        /// Two processes of an agent were at work with one copied state; the later one was told to stop.
        AgentDuplicateStopped,
        /// An agent was revoked.
        AgentRevoked,
        /// A transfer was made.
        TransferCreated,
        /// A transfer's status changed.
        TransferStatusChanged,
        /// A transfer makes no progress.
        TransferStalled,
        /// A stalled transfer moves again.
        TransferResumed,
        /// Somebody asked for the end of a running transfer.
        TransferCancelRequested,
        /// A job was made.
        JobCreated,
        /// A job was changed, enabled or disabled.
        JobUpdated,
        /// A job was deleted.
        JobDeleted,
        /// An enrolment code was made.
        EnrolmentCodeCreated,
        /// An enrolment code was withdrawn.
        EnrolmentCodeDeleted,
        /// A pipeline was made.
        PipelineCreated,
        /// A pipeline got a new name, description or version, or was switched on or off.
        PipelineUpdated,
        /// A pipeline was removed.
        PipelineDeleted,
        /// A new secret was made to sign webhooks with.
        WebhookSecretRotated,
        /// What a later version may tell.
        #[cfg(feature = "next-version")]
        TransferWeighed,
    }
    administrators {
        /// Somebody, or the job's own rule for retries, asked for a run of a job beside its schedule.
        JobRunRequested,
        /// A run of a job started.
        JobRunStarted,
        /// A run ended.
        JobRunStatusChanged,
        /// Somebody asked for the end of a run.
        JobRunCancelRequested,
        /// An agent reported about a run that its lease had ended: the object is what it reported, the run did not change.
        JobRunReportedLate,
        /// It was decided what becomes of a slot of a job's schedule, or of a range of them.
        JobSlotDecided,
        /// A customer was made.
        CustomerCreated,
        /// A customer was renamed, suspended or let in again.
        CustomerUpdated,
        /// A user was made.
        UserCreated,
        /// A user's password, role or suspension changed.
        UserUpdated,
        /// A user signed in.
        SignedIn,
        /// A user signed out.
        SignedOut,
        /// A refresh token was used after its successor: the session was ended.
        SessionEndedForReuse,
        /// A run of a pipeline was made.
        PipelineRunCreated,
        /// The status of a run of a pipeline changed.
        PipelineRunStatusChanged,
        /// The status or the attempt of steps of a run changed, and the run's own status did not.
        /// The object has these steps only, and no parameters.
        PipelineStepStatusChanged,
        /// Somebody asked for the end of a run of a pipeline.
        PipelineRunCancelRequested,
        /// An agent reported the end of a step after the server had ended it.
        /// The object has this step only, and no parameters.
        PipelineStepReportedLate,
        /// It was decided what becomes of a slot of a pipeline's schedule, or of a range of them.
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
