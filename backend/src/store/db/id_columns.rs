//! Stores each type of id as its UUID.

use sea_query::{Nullable, Value};
use sqlx::{Database, Decode, Encode, Type, encode::IsNull, error::BoxDynError};
use uuid::Uuid;

use super::table::Field;
use crate::ids::{
    AgentId, AttentionId, CustomerId, DirectiveId, EnrolmentCodeId, JobId, PipelineId, RunId, SavedViewId, SessionId,
    SlotId, TransferId, UserId, WebhookSecretId,
};

/// Implements the traits of both drivers for types of ids.
macro_rules! stored_as_uuid {
    ($($id:ident),+ $(,)?) => {$(
        impl<DB: Database> Type<DB> for $id
        where
            Uuid: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <Uuid as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <Uuid as Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $id
        where
            Uuid: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buf: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                <Uuid as Encode<'q, DB>>::encode_by_ref(&self.0, buf)
            }

            fn produces(&self) -> Option<DB::TypeInfo> {
                <Uuid as Encode<'q, DB>>::produces(&self.0)
            }

            fn size_hint(&self) -> usize {
                <Uuid as Encode<'q, DB>>::size_hint(&self.0)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $id
        where
            Uuid: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                <Uuid as Decode<'r, DB>>::decode(value).map(Self)
            }
        }

        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                id.0.into()
            }
        }

        impl Nullable for $id {
            fn null() -> Value {
                <Uuid as Nullable>::null()
            }
        }

        impl Field<Uuid> for $id {
            fn value(&self) -> Option<Uuid> {
                Some(self.0)
            }
        }

        impl Field<Uuid> for Option<$id> {
            fn value(&self) -> Option<Uuid> {
                self.map(|id| id.0)
            }
        }
    )+};
}

stored_as_uuid!(
    AgentId,
    AttentionId,
    CustomerId,
    DirectiveId,
    EnrolmentCodeId,
    JobId,
    PipelineId,
    RunId,
    SavedViewId,
    SessionId,
    SlotId,
    TransferId,
    UserId,
    WebhookSecretId,
);
