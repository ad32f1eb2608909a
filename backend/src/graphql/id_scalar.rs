//! Ids in GraphQL: the built-in `ID`, with the same UUID as in REST.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};

use crate::{
    ids::{
        AgentId, AttentionId, CustomerId, EnrolmentCodeId, JobId, ObjectId, PipelineId, RunId, SavedViewId, SlotId,
        TransferId, UserId, WebhookSecretId,
    },
    model::pipeline::PipelineRef,
};

macro_rules! graphql_id {
    ($($name:ident),+ $(,)?) => {$(
        impl OutputType for $name {
            fn type_name() -> Cow<'static, str> {
                <ID as OutputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as OutputType>::create_type_info(registry)
            }

            async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
                Ok(Value::String(self.to_string()))
            }
        }

        impl InputType for $name {
            type RawValueType = Self;

            fn type_name() -> Cow<'static, str> {
                <ID as InputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as InputType>::create_type_info(registry)
            }

            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                let value = value.unwrap_or_default();
                let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
                text.parse().map_err(|_| InputValueError::custom("is not an id: ids are UUIDs"))
            }

            fn to_value(&self) -> Value {
                Value::String(self.to_string())
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }
    )+};
}

graphql_id!(
    AgentId,
    AttentionId,
    CustomerId,
    EnrolmentCodeId,
    JobId,
    ObjectId,
    PipelineId,
    RunId,
    SavedViewId,
    SlotId,
    TransferId,
    UserId,
    WebhookSecretId
);

impl InputType for PipelineRef {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        text.parse()
            .map_err(|problem| InputValueError::custom(format!("is neither an id nor an identifier: {problem}")))
    }

    fn to_value(&self) -> Value {
        Value::String(match self {
            Self::Id(id) => id.to_string(),
            Self::Identifier(identifier) => identifier.clone(),
        })
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
