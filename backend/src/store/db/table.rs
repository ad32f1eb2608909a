//! Declares the columns of a table once. SELECT, INSERT and UPDATE statements, the batches of the writer and the code that
//! reads rows all follow from one [`table!`].

use std::{borrow::Cow, fmt::Display};

use chrono::{DateTime, Utc};
use sea_query::Value;
use uuid::Uuid;

use super::{EnumText, Sql, sql};

/// A table, with the columns of its SELECT.
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    /// Columns and expressions, in the order of the SELECT.
    pub(in crate::store) selected: &'static [&'static str],
    /// The FROM clause without `FROM`: the table, and the tables joined with it.
    pub(in crate::store) from: &'static str,
}

/// A column, and how its value is read from a row struct `R`.
pub(in crate::store) struct Column<R> {
    pub(in crate::store) name: &'static str,
    pub(in crate::store) getter: Getter<R>,
}

/// Returns the value of a column of a row, as one of the types that both engines store. `None` is NULL.
pub(in crate::store) enum Getter<R> {
    Uuid(fn(&R) -> Option<Uuid>),
    Text(fn(&R) -> Option<String>),
    Bytes(fn(&R) -> Option<Vec<u8>>),
    Integer(fn(&R) -> Option<i64>),
    Float(fn(&R) -> Option<f64>),
    Boolean(fn(&R) -> Option<bool>),
    Instant(fn(&R) -> Option<DateTime<Utc>>),
}

/// Converts a field of a row struct to the type `T` of its column.
pub(in crate::store) trait Field<T> {
    fn value(&self) -> Option<T>;
}

impl<T: Clone> Field<T> for T {
    fn value(&self) -> Option<T> {
        Some(self.clone())
    }
}

impl<T: Clone> Field<T> for Option<T> {
    fn value(&self) -> Option<T> {
        self.clone()
    }
}

impl<T: Display> Field<String> for Option<EnumText<T>> {
    fn value(&self) -> Option<String> {
        self.as_ref().map(|word| word.0.to_string())
    }
}

impl Table {
    /// Begins the statement `SELECT … FROM …` with the columns of the table.
    pub(in crate::store) fn select(&self) -> Sql {
        Sql { text: Cow::Owned(self.select_text()), values: Vec::new() }
    }

    /// Returns the text of [`Table::select`].
    pub(in crate::store) fn select_text(&self) -> String {
        let mut text = String::with_capacity(1024);
        let mut lead = "SELECT ";
        for column in self.selected {
            text.push_str(lead);
            text.push_str(column);
            lead = ", ";
        }
        text.push_str(" FROM ");
        text.push_str(self.from);
        text
    }

    /// Builds the statement `INSERT INTO … (…) VALUES (…)` for one row.
    pub(in crate::store) fn insert(&self, columns: impl IntoIterator<Item = (&'static str, Value)>) -> Sql {
        self.insert_all([columns])
    }

    /// Builds the statement `INSERT INTO … (…) VALUES (…), (…)` for one or more rows, which must have the same columns
    /// in the same order.
    pub(in crate::store) fn insert_all<R>(&self, rows: impl IntoIterator<Item = R>) -> Sql
    where
        R: IntoIterator<Item = (&'static str, Value)>,
    {
        let mut statement = sql("INSERT INTO ").push(self.name);
        for (index, row) in rows.into_iter().enumerate() {
            let (names, values): (Vec<&'static str>, Vec<Value>) = row.into_iter().unzip();
            if index == 0 {
                let mut lead = " (";
                for name in names {
                    statement = statement.push(lead).push(name);
                    lead = ", ";
                }
                statement = statement.push(") VALUES ");
            } else {
                statement = statement.push(", ");
            }
            statement = statement.push_tuple(values);
        }
        statement
    }

    /// Begins the statement `UPDATE … SET …`. It changes all rows unless the caller appends a condition.
    pub(in crate::store) fn update(&self, columns: impl IntoIterator<Item = (&'static str, Value)>) -> Sql {
        let mut statement = sql("UPDATE ").push(self.name);
        let mut lead = " SET ";
        for (name, value) in columns {
            statement = statement.push(lead).push(name).push_bind(" = ", value);
            lead = ", ";
        }
        statement
    }
}

/// Returns the names of columns with their values in a row.
pub(in crate::store) fn values<R>(columns: &[Column<R>], row: &R) -> impl Iterator<Item = (&'static str, Value)> {
    columns.iter().map(move |column| {
        let value: Value = match column.getter {
            Getter::Uuid(get) => get(row).into(),
            Getter::Text(get) => get(row).into(),
            Getter::Bytes(get) => get(row).into(),
            Getter::Integer(get) => get(row).into(),
            Getter::Float(get) => get(row).into(),
            Getter::Boolean(get) => get(row).into(),
            Getter::Instant(get) => get(row).into(),
        };
        (column.name, value)
    })
}

/// Declares the columns of a table:
///
/// ```ignore
/// table! {
///     users: UserRow { id, email, role: EnumText(role), profile: Profile { name: display_name } }
///     from "users u JOIN customers c ON c.id = u.customer_id" prefix "u.";
///     read { customer_name = "c.name" }
///     others { search }
///     /// Written by the INSERT only.
///     const CREATED { id: Uuid, email: Text }
///     /// Written by the INSERT and by `save`.
///     const CHANGED { role: EnumText, display_name: Text }
/// }
/// ```
///
/// - The row comes first. It is both a pattern and an expression: a name in it stands for the column of that name. The
///   compiler refuses a row with a field that has no column, and a column that has no field.
/// - `from` is the FROM clause of the SELECT, `prefix` the prefix of the table's own columns in it.
/// - `read` lists the columns that are selected and not written from the row: columns of joined tables and JSON. The kind
///   of one that is an enum is `EnumText`; the others have none.
/// - `others` lists the columns of the database that are in no group.
/// - Each group becomes a list of [`Column`]s, such as `UserRow::CREATED`. The kinds of columns are those of [`Getter`]. An
///   `EnumText` is an enum that is stored as its text; if it may be missing, it is an `Option<EnumText<_>>` in the row, and
///   its kind is `Text`. The types `String`, `bool` and `f64` are kinds, too.
macro_rules! table {
    (
        $table:ident: $row:ident $shape:tt
        from $from:literal prefix $prefix:literal;
        $( read { $( $read:ident $(: $read_kind:ident)? = $expression:literal ),+ $(,)? } )?
        $( others { $( $other:ident ),+ $(,)? } )?
        $( $(#[$doc:meta])* const $group:ident { $( $column:ident: $kind:ident ),+ $(,)? } )+
    ) => {
        impl $row {
            pub(in crate::store) const TABLE: $crate::store::db::table::Table = $crate::store::db::table::Table {
                name: stringify!($table),
                selected: &[
                    $($( concat!($prefix, stringify!($column)), )+)+
                    $($( concat!($expression, " AS ", stringify!($read)), )+)?
                ],
                from: $from,
            };

            /// Every column that the database has.
            #[cfg(test)]
            pub(in crate::store) const COLUMNS: &'static [&'static str] =
                &[ $($( stringify!($column), )+)+ $($( stringify!($other), )+)? ];

            $(
                $(#[$doc])*
                pub(in crate::store) const $group: &'static [$crate::store::db::table::Column<Self>] = &[
                    $( $crate::store::db::table::Column {
                        name: stringify!($column),
                        getter: $crate::store::db::table::getter!($row $shape, $column: $kind),
                    } ),+
                ];
            )+
        }

        $crate::store::db::table::reader!(
            sqlx::sqlite::SqliteRow, $row $shape,
            [ $($( $column: $kind ),+),+ ],
            [ $($( $read $(: $read_kind)? ),+)? ]
        );
        $crate::store::db::table::reader!(
            sqlx::postgres::PgRow, $row $shape,
            [ $($( $column: $kind ),+),+ ],
            [ $($( $read $(: $read_kind)? ),+)? ]
        );
    };
}

/// The [`Getter`] of a column. It destructures the row by the pattern of the declaration.
macro_rules! getter {
    ($row:ident $shape:tt, $column:ident: EnumText) => {
        $crate::store::db::table::Getter::Text(|row: &$row| {
            #[expect(unused_variables, reason = "the pattern names all columns")]
            let $row $shape = row;
            Some($column.to_string())
        })
    };
    ($row:ident $shape:tt, $column:ident: String) => {
        $crate::store::db::table::getter!($row $shape, $column: Text)
    };
    ($row:ident $shape:tt, $column:ident: bool) => {
        $crate::store::db::table::getter!($row $shape, $column: Boolean)
    };
    ($row:ident $shape:tt, $column:ident: f64) => {
        $crate::store::db::table::getter!($row $shape, $column: Float)
    };
    ($row:ident $shape:tt, $column:ident: $kind:ident) => {
        $crate::store::db::table::Getter::$kind(|row: &$row| {
            #[expect(unused_variables, reason = "the pattern names all columns")]
            let $row $shape = row;
            $crate::store::db::table::Field::value($column)
        })
    };
}

/// Reads rows of one engine. It constructs the row by the expression of the declaration.
macro_rules! reader {
    ($from:ty, $row:ident $shape:tt, [ $( $column:ident: $kind:ident ),+ ], [ $( $read:ident $(: $read_kind:ident)? ),* ]) => {
        impl<'r> sqlx::FromRow<'r, $from> for $row {
            fn from_row(row: &'r $from) -> sqlx::Result<Self> {
                $( let $column = $crate::store::db::table::read!(row, $column: $kind); )+
                $( let $read = $crate::store::db::table::read!(row, $read $(: $read_kind)?); )*
                Ok($row $shape)
            }
        }
    };
}

/// Reads a column.
macro_rules! read {
    ($from:ident, $column:ident: EnumText) => {
        sqlx::Row::try_get::<$crate::store::db::EnumText<_>, _>($from, stringify!($column))?.0
    };
    ($from:ident, $column:ident $(: $kind:ident)?) => {
        sqlx::Row::try_get($from, stringify!($column))?
    };
}

pub(in crate::store) use {getter, read, reader, table};

#[cfg(test)]
mod tests;
