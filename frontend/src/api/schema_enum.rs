//! The declaration of the enums that the dashboard shares with the server.

/// Declares an enum of [`mftplus_protocol::contract_enum!`] as a GraphQL enum. The module that uses this must import
/// [`schema`].
///
/// [`schema`]: super::schema
macro_rules! schema_enum {
    (
        $(#[doc = $about:tt])+
        $name:ident $(default $default:ident)? {
            $($(#[doc = $text:tt])+ $value:ident = $word:tt $(graphql $graphql:tt)?,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
        pub(crate) enum $name {
            $(
                $(#[cynic(rename = $graphql)])?
                $value,
            )+
        }
    };
}

pub(super) use schema_enum;
