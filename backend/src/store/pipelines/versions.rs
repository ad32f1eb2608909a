//! The versions of pipelines. A version is written once and never changed. The purge deletes old versions, so only the
//! numbers of the newest versions have no gaps.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    error::Result,
    ids::{CustomerId, PipelineId},
    model::{Page, PageRequest, PageStart, Total, definition::Filling, pipeline::PipelineVersion},
    store::{
        db::{
            Conn, Db, EnumText, MOST_VALUES, Tx, sql,
            table::{table, values},
        },
        pagination,
    },
};

/// A version as it is stored, without its text.
pub(in crate::store) struct VersionRow {
    pipeline_id: PipelineId,
    version: i64,
    git_sha: Option<String>,
    created_at: DateTime<Utc>,
}

table! {
    pipeline_versions: VersionRow { pipeline_id, version, git_sha, created_at }
    from "pipeline_versions v" prefix "v.";
    // The text and how it is filled in, which `find_version` reads.
    others { yaml, filling }

    /// Written when the version is created.
    const CREATED { pipeline_id: Uuid, version: Integer, git_sha: Text, created_at: Instant }
}

impl From<VersionRow> for PipelineVersion {
    fn from(row: VersionRow) -> Self {
        Self { version: row.version, created_at: row.created_at.into(), git_sha: row.git_sha }
    }
}

/// Stores a version with its text.
pub async fn insert_version(
    tx: &mut Tx,
    id: PipelineId,
    version: &PipelineVersion,
    yaml: &str,
    filling: Filling,
) -> Result<()> {
    let row = VersionRow {
        pipeline_id: id,
        version: version.version,
        git_sha: version.git_sha.clone(),
        created_at: version.created_at.0,
    };
    let others = [("yaml", yaml.into()), ("filling", filling.to_string().into())];
    VersionRow::TABLE.insert(values(VersionRow::CREATED, &row).chain(others)).execute(tx).await?;
    Ok(())
}

/// Reads the text of a version, and how parameters are filled in; `None` if the version does not exist.
pub async fn find_version(
    conn: impl Into<Conn<'_>>,
    id: PipelineId,
    version: i64,
) -> Result<Option<(String, Filling)>> {
    let statement = sql("SELECT yaml, filling FROM pipeline_versions WHERE pipeline_id = $1 AND version = $2");
    let row: Option<(String, EnumText<Filling>)> = statement.bind(id).bind(version).fetch_optional(conn).await?;
    Ok(row.map(|(yaml, EnumText(filling))| (yaml, filling)))
}

/// Reads the numbers of the current versions of those of these pipelines that belong to the customer.
pub async fn current_versions(db: &Db, customer: CustomerId, ids: &[PipelineId]) -> Result<HashMap<PipelineId, i64>> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id, version FROM pipelines").push_bind(" WHERE customer_id = ", customer);
        let statement = statement.push(" AND id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        let rows: Vec<(PipelineId, i64)> = statement.fetch_all(db).await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Reads the newest versions of each of these pipelines, newest first: at most `count` for each.
pub async fn newest_versions(db: &Db, ids: &[PipelineId], count: i64) -> Result<Vec<(PipelineId, PipelineVersion)>> {
    let mut found = Vec::new();
    for ids in ids.chunks(MOST_VALUES) {
        let statement = VersionRow::TABLE
            .select()
            .push(" JOIN pipelines p ON p.id = v.pipeline_id WHERE p.id IN ")
            .push_tuple(ids.iter().map(|id| (*id).into()))
            .push_bind(" AND v.version > p.version - ", count)
            .push(" ORDER BY v.pipeline_id, v.version DESC");
        let rows: Vec<VersionRow> = statement.fetch_all(db).await?;
        found.extend(rows.into_iter().map(|row| (row.pipeline_id, row.into())));
    }
    Ok(found)
}

/// Reads a page of the versions of a pipeline, newest first. A cursor of the page request is a UUID whose value is the
/// number of a version.
pub async fn list_versions(db: &Db, id: PipelineId, request: PageRequest) -> Result<Page<PipelineVersion>> {
    let total = if request.is_counted {
        let counted = sql("SELECT COUNT(*) FROM pipeline_versions WHERE pipeline_id = $1").bind(id);
        let (total,): (i64,) = counted.fetch_one(db).await?;
        Total::Exactly(total.unsigned_abs())
    } else {
        Total::AtLeast(0)
    };
    let number = |place: Uuid| i64::try_from(place.as_u128()).unwrap_or(i64::MAX);
    let rows = request.limit.cast_signed() + 1;
    let statement = VersionRow::TABLE.select().push_bind(" WHERE v.pipeline_id = ", id);
    let statement = match request.start {
        PageStart::Page(_) | PageStart::Offset(_) => statement
            .push_bind(" ORDER BY v.version DESC LIMIT ", rows)
            .push_bind(" OFFSET ", request.offset().cast_signed()),
        PageStart::OlderThan(place) => {
            statement.push_bind(" AND v.version < ", number(place)).push_bind(" ORDER BY v.version DESC LIMIT ", rows)
        }
        PageStart::NewerThan(place) => {
            statement.push_bind(" AND v.version > ", number(place)).push_bind(" ORDER BY v.version LIMIT ", rows)
        }
        PageStart::Oldest => statement.push_bind(" ORDER BY v.version LIMIT ", rows),
    };
    let rows: Vec<VersionRow> = statement.fetch_all(db).await?;
    Ok(pagination::page(rows, request, total).map(PipelineVersion::from))
}
