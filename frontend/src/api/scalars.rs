//! Custom scalars of the schema.

use super::schema;
use crate::time::Instant;

cynic::impl_scalar!(Instant, schema::DateTime);

/// A number of bytes. GraphQL's `Int` has only 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Scalar)]
pub(crate) struct ByteCount(pub(crate) i64);
