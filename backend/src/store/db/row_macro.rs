//! A macro for structs that are read from the rows of a statement.

/// Declares a struct of which each field is read from the column of its name, on both engines.
///
/// The derive macro of sqlx does the same. But its crate depends on both drivers, including TLS and SQLite itself, so a
/// clean build would compile them twice: for the build machine and for the target.
macro_rules! row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $row:ident {
            $( $(#[$about:meta])* $shown:vis $column:ident: $kind:ty ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $row {
            $( $(#[$about])* $shown $column: $kind ),+
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $row
        where
            &'static str: sqlx::ColumnIndex<R>,
            $( $kind: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>, )+
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $( $column: row.try_get(stringify!($column))? ),+ })
            }
        }
    };
}

pub(in crate::store) use row;
