//! The kinds of events, as `protocol` lists them, for the bus, the log and GraphQL.

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
        customers { $($(#[doc = $customers_text:literal])+ $customers:ident = $customers_name:literal,)+ }
        administrators { $($(#[doc = $administrators_text:literal])+ $administrators:ident = $administrators_name:literal,)+ }
        unlogged { $($(#[doc = $unlogged_text:literal])+ $unlogged:ident,)+ }
    ) => {
        /// The kind of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter, EnumString, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[strum(serialize_all = "camelCase")]
        pub enum Kind {
            $($(#[doc = $customers_text])+ $customers,)+
            /// A kind that a later version may add.
            #[cfg(feature = "next-version")]
            TransferWeighed,
            $($(#[doc = $administrators_text])+ $administrators,)+
            $($(#[doc = $unlogged_text])+ $unlogged,)+
            /// A kind that this version does not know; a newer version of the server wrote the event. Never written.
            #[serde(other)]
            Unknown,
        }

        /// The kind of an event in the event log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        #[graphql(name = "EventKind")]
        pub enum LoggedKind {
            $($(#[doc = $customers_text])+ $customers,)+
            /// A kind that a later version may add.
            #[cfg(feature = "next-version")]
            TransferWeighed,
            $($(#[doc = $administrators_text])+ $administrators,)+
            /// A kind that this version of the server does not know; a newer version wrote the event.
            Unknown,
        }

        impl Kind {
            /// Who sees events of this kind. Events of an unknown kind are for administrators only, because customers
            /// may not be allowed to see them.
            const fn visibility(self) -> Visibility {
                match self {
                    $(Self::$administrators)|+ | Self::Unknown => Visibility::Administrators,
                    $(Self::$unlogged)|+ => Visibility::Unlogged,
                    _ => Visibility::Customers,
                }
            }

            /// The kind in the event log; `None` if the log does not keep such events.
            #[must_use]
            pub const fn logged(self) -> Option<LoggedKind> {
                Some(match self {
                    $(Self::$customers => LoggedKind::$customers,)+
                    #[cfg(feature = "next-version")]
                    Self::TransferWeighed => LoggedKind::TransferWeighed,
                    $(Self::$administrators => LoggedKind::$administrators,)+
                    Self::Unknown => LoggedKind::Unknown,
                    $(Self::$unlogged)|+ => return None,
                })
            }
        }
    };
}

mftplus_protocol::event_kinds!(kinds);

impl Kind {
    /// The kinds that customers see in the log.
    pub fn visible_to_customers() -> impl Iterator<Item = Self> {
        Self::iter().filter(|kind| kind.visibility() == Visibility::Customers)
    }

    /// Whether the log keeps events of this kind: all kinds but progress.
    #[must_use]
    pub const fn is_logged(self) -> bool {
        !matches!(self.visibility(), Visibility::Unlogged)
    }

    /// Whether events of this kind contain the current state of their object. `true` for an unknown kind: a later
    /// version that adds a kind without the current state must add a new type of object with it.
    #[must_use]
    pub const fn tells_state(self) -> bool {
        !matches!(self, Self::JobRunReportedLate | Self::PipelineStepReportedLate)
    }
}
