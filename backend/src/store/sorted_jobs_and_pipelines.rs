//! Pages of jobs and pipelines in another order than newest first.
//!
//! The order by next slot uses the index with which the scheduler finds due slots. Such a list is read in two parts:
//! first the rows with a next slot, then those without one, which come last in either direction.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    db::{Sql, Tx, sql},
    schedules::ScheduledKind,
};
use crate::{
    error::Result,
    model::{
        PageRequest, PageStart,
        job_and_pipeline_order::{ScheduledSort, ScheduledSortField},
    },
};

/// A list of jobs or pipelines.
pub(super) struct ScheduledList<'a> {
    pub(super) kind: ScheduledKind,
    /// Adds the conditions of the list to a statement about `jobs j` or `pipelines p`.
    pub(super) conditions: &'a (dyn Fn(Sql) -> Sql + Sync),
}

/// A part of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All rows, by their ids.
    Whole,
    /// The rows with a next slot.
    Planned,
    /// The rows without a next slot.
    Unplanned,
}

/// The position of a job or pipeline in the order.
#[derive(Clone, Copy)]
struct Place {
    part: Part,
    next_run_at: Option<DateTime<Utc>>,
    id: Uuid,
}

impl ScheduledList<'_> {
    /// Reads the ids of a page, in the direction of reading, and of one more row if there is one.
    pub(super) async fn page(&self, tx: &mut Tx, sort: ScheduledSort, request: PageRequest) -> Result<Vec<(Uuid,)>> {
        let is_descending = sort.descending != request.is_upward();
        let mut parts: &[Part] = match (sort.field, request.is_upward()) {
            (ScheduledSortField::CreatedAt, _) => &[Part::Whole],
            (ScheduledSortField::NextRunAt, false) => &[Part::Planned, Part::Unplanned],
            (ScheduledSortField::NextRunAt, true) => &[Part::Unplanned, Part::Planned],
        };
        let place = match request.start {
            PageStart::OlderThan(id) | PageStart::NewerThan(id) => Some(self.place(tx, sort.field, id).await?),
            PageStart::Page(_) | PageStart::Offset(_) | PageStart::Oldest => None,
        };
        if let Some(place) = place {
            let before = parts.iter().position(|part| *part == place.part).unwrap_or(0);
            parts = &parts[before..];
        }
        let (take, mut skip) = (request.limit + 1, request.offset());
        let mut found: Vec<(Uuid,)> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let missing = take - found.len() as u64;
            if missing == 0 {
                break;
            }
            let statement = (self.conditions)(sql("SELECT id").push(self.rows(*part)));
            let statement = match place.filter(|_| index == 0) {
                Some(place) => beyond(statement, place, is_descending),
                None => statement,
            };
            let statement = sorted(statement, *part, is_descending)
                .push_bind(" LIMIT ", missing.cast_signed())
                .push_bind(" OFFSET ", skip.cast_signed());
            let rows: Vec<(Uuid,)> = statement.fetch_all(&mut *tx).await?;
            if rows.is_empty() && skip > 0 && index + 1 < parts.len() {
                // The page begins in the next part: this one is counted, to know where.
                let counted = (self.conditions)(sql("SELECT COUNT(*)").push(self.rows(*part)));
                let (rows,): (i64,) = counted.fetch_one(&mut *tx).await?;
                skip = skip.saturating_sub(rows.unsigned_abs());
            } else {
                skip = 0;
            }
            found.extend(rows);
        }
        Ok(found)
    }

    /// Determines the position of a job or pipeline. One that is not in the list is placed by its id among the rows
    /// without a next slot.
    async fn place(&self, tx: &mut Tx, field: ScheduledSortField, id: Uuid) -> Result<Place> {
        if field == ScheduledSortField::CreatedAt {
            return Ok(Place { part: Part::Whole, next_run_at: None, id });
        }
        let statement = (self.conditions)(sql("SELECT s.next_run_at").push(self.rows(Part::Planned)));
        let found: Option<(Option<DateTime<Utc>>,)> =
            statement.push_bind(" AND s.owner_id = ", id).fetch_optional(tx).await?;
        let next_run_at = found.and_then(|(next_run_at,)| next_run_at);
        let part = if next_run_at.is_some() { Part::Planned } else { Part::Unplanned };
        Ok(Place { part, next_run_at, id })
    }

    /// The tables of a part, with the condition for its rows.
    const fn rows(&self, part: Part) -> &'static str {
        match (self.kind, part) {
            (ScheduledKind::Job, Part::Whole) => " FROM jobs j WHERE 1 = 1",
            (ScheduledKind::Job, Part::Planned) => {
                " FROM schedules s JOIN jobs j ON j.id = s.owner_id \
                 WHERE s.owner_kind = 'job' AND s.next_run_at IS NOT NULL"
            }
            (ScheduledKind::Job, Part::Unplanned) => {
                " FROM jobs j LEFT JOIN schedules s ON s.owner_id = j.id WHERE s.next_run_at IS NULL"
            }
            (ScheduledKind::Pipeline, Part::Whole) => " FROM pipelines p WHERE 1 = 1",
            (ScheduledKind::Pipeline, Part::Planned) => {
                " FROM schedules s JOIN pipelines p ON p.id = s.owner_id \
                 WHERE s.owner_kind = 'pipeline' AND s.next_run_at IS NOT NULL"
            }
            (ScheduledKind::Pipeline, Part::Unplanned) => {
                " FROM pipelines p LEFT JOIN schedules s ON s.owner_id = p.id WHERE s.next_run_at IS NULL"
            }
        }
    }
}

/// Adds the condition for the rows that come after a place in its part.
fn beyond(statement: Sql, place: Place, is_descending: bool) -> Sql {
    let comparison = if is_descending { " < " } else { " > " };
    match place.next_run_at {
        Some(next_run_at) => statement
            .push(" AND (s.next_run_at, s.owner_id)")
            .push(comparison)
            .push_bind("(", next_run_at)
            .push_bind(", ", place.id)
            .push(")"),
        None => statement.push(" AND id").push(comparison).push_bind("", place.id),
    }
}

fn sorted(statement: Sql, part: Part, is_descending: bool) -> Sql {
    let direction = if is_descending { " DESC" } else { "" };
    match part {
        Part::Planned => statement.push(" ORDER BY s.next_run_at").push(direction).push(", s.owner_id").push(direction),
        Part::Whole | Part::Unplanned => statement.push(" ORDER BY id").push(direction),
    }
}
