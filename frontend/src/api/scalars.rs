//! Custom scalars of the schema.

use super::schema;
use crate::time::Instant;

cynic::impl_scalar!(Instant, schema::DateTime);

/// A number of bytes. GraphQL's `Int` has only 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Scalar)]
pub(crate) struct ByteCount(pub(crate) i64);

/// A duration as the server writes it, such as `1h30m`.
#[derive(Clone, Debug, PartialEq, cynic::Scalar)]
pub(crate) struct Duration(pub(crate) String);
