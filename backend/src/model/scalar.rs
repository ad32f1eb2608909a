//! Values that travel the wire in one form only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An instant on the wire: RFC 3339 in UTC with `Z`, and milliseconds only where there are some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = DateTime<Utc>, format = "date-time", example = "2026-04-25T13:00:00Z")]
pub struct Instant(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}
