//! Columns of enums and of JSON, and rows that cannot be read.

use sea_query::Value;
use sqlx::{FromRow, types::Json};

use crate::error::{Error, Result};

/// Reads the rows, with `None` for each row that cannot be read.
///
/// # Errors
///
/// [`Error::Internal`] if the statement does not select a column that the row needs, which is a bug.
pub(super) fn readable<R, T: for<'r> FromRow<'r, R>>(rows: &[R]) -> Result<Vec<Option<T>>>
where
    R: sqlx::Row,
{
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push(match T::from_row(row) {
            Ok(read) => Some(read),
            Err(error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))) => {
                unreadable(&error.into());
                None
            }
            Err(error) => return Err(error.into()),
        });
    }
    Ok(found)
}

/// Logs and counts a row that cannot be read, and that an answer therefore does not contain.
pub(in crate::store) fn unreadable(error: &Error) {
    metrics::counter!("mftplus_unreadable_rows_total").increment(1);
    tracing::error!(error = error as &(dyn std::error::Error + 'static), "a row cannot be read: it is left out");
}

/// An enum that is stored as its text, for reading and writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumText<T>(pub T);

impl<DB: sqlx::Database, T> sqlx::Type<DB> for EnumText<T>
where
    String: sqlx::Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <String as sqlx::Type<DB>>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        <String as sqlx::Type<DB>>::compatible(ty)
    }
}

impl<'r, DB: sqlx::Database, T> sqlx::Decode<'r, DB> for EnumText<T>
where
    &'r str: sqlx::Decode<'r, DB>,
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(Self(<&str as sqlx::Decode<DB>>::decode(value)?.parse()?))
    }
}

/// Converts a value for writing to a JSON column.
pub fn json(value: &impl serde::Serialize) -> Result<Value> {
    let value = serde_json::to_value(value).map_err(Error::internal)?;
    Ok(Value::Json(Some(Box::new(value))))
}

/// A value that is read from a JSON column.
pub type JsonColumn<T> = Json<T>;

/// Wraps a value as if it had been read from a JSON column.
pub const fn json_column<T>(value: T) -> JsonColumn<T> {
    Json(value)
}
