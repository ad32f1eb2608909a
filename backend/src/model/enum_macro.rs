//! The declaration of the enums that the server shares with its clients.

/// Declares an enum of [`mftplus_protocol::contract_enum!`] with the traits that both APIs, events and the database
/// need.
macro_rules! server_enum {
    (
        $(#[doc = $about:tt])+
        $name:ident $(default $default:ident)? {
            $($(#[doc = $text:tt])+ $value:ident = $word:tt $(graphql $graphql:tt)?,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            Hash,
            strum::Display,
            strum::EnumString,
            strum::VariantNames,
            serde::Serialize,
            serde::Deserialize,
            utoipa::ToSchema,
            async_graphql::Enum,
        )]
        pub enum $name {
            $(
                $(#[doc = $text])+
                #[serde(rename = $word)]
                #[strum(serialize = $word)]
                $(#[graphql(name = $graphql)])?
                $value,
            )+
        }

        $(
            impl Default for $name {
                fn default() -> Self {
                    Self::$default
                }
            }
        )?
    };
}

pub(super) use server_enum;
