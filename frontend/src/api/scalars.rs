//! The schema's own scalars.

use super::schema;
use crate::time::Instant;

cynic::impl_scalar!(Instant, schema::DateTime);

/// An amount of bytes in 64 bits, which GraphQL's `Int` has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Scalar)]
pub(crate) struct ByteCount(pub(crate) i64);
