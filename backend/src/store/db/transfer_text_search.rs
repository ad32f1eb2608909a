//! Finds transfers whose texts contain a given part, with an index: an FTS5 table of trigrams on SQLite, an index of
//! `pg_trgm` on PostgreSQL. See the migration `transfer_search`.

use uuid::Uuid;

use super::{Sql, Tx, sql};
use crate::error::Result;

/// A search for transfers whose text contains a given part.
#[derive(Clone, Debug)]
pub(in crate::store) struct TextSearch {
    engine: Engine,
    /// The part as a phrase of FTS5.
    phrase: String,
    /// The part as a pattern of LIKE.
    pattern: String,
    /// Whether LIKE ignores the case of the part, which on SQLite it does for ASCII only.
    is_like_enough: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

impl TextSearch {
    /// Prepares a search for `part` in this transaction. `pattern` is the LIKE pattern for `part` in lower case.
    pub(in crate::store) async fn begin(tx: &mut Tx, part: &str, pattern: String) -> Result<Self> {
        let engine = match tx {
            Tx::Sqlite(_) => Engine::Sqlite,
            Tx::Postgres(_) => Engine::Postgres,
        };
        if engine == Engine::Postgres {
            // How many texts hold the part decides how they are found, so each statement is planned with its values.
            sql("SET LOCAL plan_cache_mode = force_custom_plan").execute(tx).await?;
        }
        let phrase = format!("\"{}\"", part.replace('"', "\"\""));
        Ok(Self { engine, phrase, pattern, is_like_enough: engine == Engine::Postgres || part.is_ascii() })
    }

    /// Begins a statement that selects the ids of the transfers whose text contains the part. Callers may add
    /// conditions.
    pub(in crate::store) fn ids(&self) -> Sql {
        self.selected(sql("SELECT x.transfer_id FROM "))
    }

    /// Adds to a statement about `transfers` the condition that the text contains the part. The engine finds all such
    /// transfers by the index first; compare [`Self::checked`].
    pub(in crate::store) fn among(&self, statement: Sql) -> Sql {
        self.selected(statement.push(" AND transfers.id IN (SELECT x.transfer_id FROM ")).push(")")
    }

    fn selected(&self, statement: Sql) -> Sql {
        match self.engine {
            Engine::Sqlite => statement
                .push("transfer_texts_index i CROSS JOIN transfer_texts x ON x.number = i.rowid")
                .push_bind(" WHERE i.text MATCH ", self.phrase.clone()),
            Engine::Postgres => self.like(statement.push("transfer_texts x WHERE ")),
        }
    }

    /// Like [`Self::ids`], joined with the table `transfers`.
    pub(in crate::store) fn joined(&self) -> Sql {
        match self.engine {
            // The order of the joins is fixed, so that matches are read in their order until there are enough.
            Engine::Sqlite => sql("SELECT transfers.id FROM transfer_texts_index i \
                                   CROSS JOIN transfer_texts x ON x.number = i.rowid \
                                   CROSS JOIN transfers ON transfers.id = x.transfer_id")
            .push_bind(" WHERE i.text MATCH ", self.phrase.clone()),
            Engine::Postgres => self.like(sql("SELECT transfers.id FROM transfer_texts x \
                                               JOIN transfers ON transfers.id = x.transfer_id WHERE ")),
        }
    }

    /// Adds to [`Self::ids`] or [`Self::joined`] the condition that a transfer is newer (if `is_upward`) or older than
    /// the transfer `id`.
    pub(in crate::store) fn beyond(&self, statement: Sql, id: Uuid, is_upward: bool) -> Sql {
        let comparison = if is_upward { " > " } else { " < " };
        match self.engine {
            Engine::Sqlite => statement
                .push(" AND i.rowid")
                .push(comparison)
                .push_bind("(SELECT number FROM transfer_texts WHERE transfer_id = ", id)
                .push(")"),
            Engine::Postgres => statement.push(" AND x.transfer_id").push(comparison).push_bind("", id),
        }
    }

    /// Adds the order by creation to [`Self::ids`] or [`Self::joined`]: oldest first if `is_upward`, otherwise newest
    /// first.
    pub(in crate::store) fn ordered(&self, statement: Sql, is_upward: bool) -> Sql {
        let statement = match self.engine {
            Engine::Sqlite => statement.push(" ORDER BY i.rowid"),
            Engine::Postgres => statement.push(" ORDER BY x.transfer_id"),
        };
        statement.push(if is_upward { "" } else { " DESC" })
    }

    /// Adds to a statement about `transfers` the condition that the text contains the part. The engine checks it for
    /// each row that the statement reads; compare [`Self::among`].
    pub(in crate::store) fn checked(&self, statement: Sql) -> Sql {
        let statement = statement.push(" AND EXISTS (SELECT 1 FROM transfer_texts x");
        if self.is_like_enough {
            return self.like(statement.push(" WHERE x.transfer_id = transfers.id AND ")).push(")");
        }
        statement
            .push(" CROSS JOIN transfer_texts_index i ON i.rowid = x.number WHERE x.transfer_id = transfers.id")
            .push_bind(" AND i.text MATCH ", self.phrase.clone())
            .push(")")
    }

    fn like(&self, statement: Sql) -> Sql {
        statement.push_bind("x.text LIKE ", self.pattern.clone()).push(r" ESCAPE '\'")
    }
}
