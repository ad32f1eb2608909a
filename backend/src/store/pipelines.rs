//! The tables of pipelines and their versions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    agents::contains,
    db::{
        Conn, Db, EnumText, MOST_VALUES, Sql, Tx, sql,
        table::{table, values},
    },
    pagination,
    schedules::ScheduledKind,
    sorted_jobs_and_pipelines::ScheduledList,
};
use crate::{
    actor::Scope,
    error::Result,
    ids::{CustomerId, PipelineId},
    model::{
        Page, PageRequest, Total,
        definition::Filling,
        job_and_pipeline_order::ScheduledSort,
        pipeline::{Pipeline, PipelineFilter, PipelineRef, PipelineVersion},
    },
};

pub(super) mod versions;
pub use versions::{current_versions, find_version, insert_version, list_versions, newest_versions};

/// A pipeline as it is stored, with its current version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineRow {
    /// The id of the pipeline, chosen when it is created.
    pub id: PipelineId,
    /// The customer that the pipeline belongs to; `None` for pipelines of the platform.
    pub customer_id: Option<CustomerId>,
    /// The identifier of the pipeline in paths, unique within the customer or the platform.
    pub identifier: String,
    /// The name of the pipeline.
    pub name: String,
    /// The description, if there is one.
    pub description: Option<String>,
    /// Whether runs can start.
    pub enabled: bool,
    /// The number of the current version.
    pub version: i64,
    /// The time at which the pipeline was created.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
    /// The text of the current version.
    pub yaml: String,
    /// How parameters are filled into the current version.
    pub filling: EnumText<Filling>,
    /// The Git commit of the current version; `None` if the client sent none.
    pub git_sha: Option<String>,
    /// The time at which the current version was created.
    pub version_created_at: DateTime<Utc>,
    /// The first slot whose outcome is not decided; `None` if the pipeline has no schedule, is disabled, or its
    /// schedule has no next slot.
    pub next_run_at: Option<DateTime<Utc>>,
}

table! {
    pipelines: PipelineRow {
        id, customer_id, identifier, name, description, enabled, version, created_at, updated_at,
        yaml, filling, git_sha, version_created_at, next_run_at,
    }
    from "pipelines p JOIN pipeline_versions v ON v.pipeline_id = p.id AND v.version = p.version \
          LEFT JOIN schedules s ON s.owner_id = p.id" prefix "p.";
    read {
        yaml = "v.yaml",
        filling = "v.filling",
        git_sha = "v.git_sha",
        version_created_at = "v.created_at",
        next_run_at = "s.next_run_at",
    }
    // Follow from other columns.
    others { owner_id, search }

    /// Written when the pipeline is created.
    const CREATED { id: Uuid, customer_id: Uuid, identifier: Text, created_at: Instant }

    /// Written by every change.
    const CHANGED { name: Text, description: Text, enabled: Boolean, version: Integer, updated_at: Instant }
}

impl PipelineRow {
    /// Converts the row to the pipeline as clients see it, with the current version only.
    #[must_use]
    pub fn view(self) -> Pipeline {
        let current = PipelineVersion {
            version: self.version,
            created_at: self.version_created_at.into(),
            git_sha: self.git_sha,
        };
        Pipeline {
            id: self.id,
            identifier: self.identifier,
            name: self.name,
            description: self.description,
            yaml: self.yaml,
            enabled: self.enabled,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            versions: vec![current],
            version: self.version,
            customer_id: self.customer_id,
            next_run_at: self.next_run_at.map(Into::into),
        }
    }

    fn search(&self) -> String {
        let description = self.description.as_deref().unwrap_or("");
        format!("{}\n{}\n{description}", self.identifier, self.name).to_lowercase()
    }
}

/// Returns the value of the column `owner_id`, within which identifiers are unique: the id of the customer, or the nil
/// id for the platform.
#[must_use]
pub fn owner_id(customer: Option<CustomerId>) -> Uuid {
    customer.map_or_else(Uuid::nil, |customer| customer.0)
}

/// Stores a new pipeline, without the text of its version. Returns false if its identifier is taken.
pub async fn insert(tx: &mut Tx, pipeline: &PipelineRow) -> Result<bool> {
    let columns = values(PipelineRow::CREATED, pipeline).chain(values(PipelineRow::CHANGED, pipeline));
    let others = [("owner_id", owner_id(pipeline.customer_id).into()), ("search", pipeline.search().into())];
    let statement = PipelineRow::TABLE.insert(columns.chain(others));
    Ok(statement.push(" ON CONFLICT (owner_id, identifier) DO NOTHING").execute(tx).await? == 1)
}

/// Writes the columns of a pipeline that may change, including the number of its current version.
pub async fn save(tx: &mut Tx, pipeline: &PipelineRow) -> Result<()> {
    let columns = values(PipelineRow::CHANGED, pipeline).chain([("search", pipeline.search().into())]);
    PipelineRow::TABLE.update(columns).push_bind(" WHERE id = ", pipeline.id).execute(tx).await?;
    Ok(())
}

/// Locks the row of a pipeline until the end of the transaction, so that no other transaction can change, start or
/// delete the pipeline.
/// Returns false if the pipeline does not exist.
pub async fn lock(tx: &mut Tx, id: PipelineId) -> Result<bool> {
    Ok(sql("UPDATE pipelines SET version = version WHERE id = $1").bind(id).execute(tx).await? == 1)
}

/// Reads the pipelines in the scope with this id or identifier, oldest first; at most 100. Several customers may use
/// the same identifier.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, meant: &PipelineRef) -> Result<Vec<PipelineRow>> {
    let statement = match meant {
        PipelineRef::Id(id) => PipelineRow::TABLE.select().push_bind(" WHERE p.id = ", *id),
        PipelineRef::Identifier(identifier) => {
            PipelineRow::TABLE.select().push_bind(" WHERE p.identifier = ", identifier.clone())
        }
    };
    scoped(statement, scope).push(" ORDER BY id LIMIT 100").fetch_all(conn).await
}

/// Reads the pipelines with these ids that are in the scope, in no particular order.
pub async fn find_all(db: &Db, scope: Scope, ids: &[PipelineId]) -> Result<Vec<PipelineRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement =
            PipelineRow::TABLE.select().push(" WHERE p.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(scoped(statement, scope).fetch_readable::<PipelineRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

/// Reads a page of the pipelines in the scope.
pub async fn list(
    db: &Db,
    scope: Scope,
    filter: &PipelineFilter,
    sort: ScheduledSort,
    request: PageRequest,
) -> Result<Page<PipelineRow>> {
    let conditions = |statement: Sql| {
        let mut statement = scoped(statement, scope);
        if let Some(enabled) = filter.enabled {
            statement = statement.push_bind(" AND p.enabled = ", enabled);
        }
        if let Some(search) = &filter.search {
            statement = statement.push_bind(" AND p.search LIKE ", contains(search)).push(r" ESCAPE '\'");
        }
        statement
    };
    let total = if !request.is_counted {
        Total::AtLeast(0)
    } else if filter.search.is_none() {
        let (total,): (i64,) = conditions(sql("SELECT COUNT(*) FROM pipelines p WHERE 1 = 1")).fetch_one(db).await?;
        Total::Exactly(total.unsigned_abs())
    } else {
        let counted = conditions(sql("SELECT COUNT(*) FROM (SELECT 1 AS found FROM pipelines p WHERE 1 = 1"));
        let bound = Total::COUNTING_STOPS_AT.cast_signed() + 1;
        let (found,): (i64,) = counted.push_bind(" LIMIT ", bound).push(") AS counted").fetch_one(db).await?;
        Total::counted(found.unsigned_abs())
    };
    if sort == ScheduledSort::default() {
        let statement = conditions(PipelineRow::TABLE.select().push(" WHERE 1 = 1"));
        let rows = pagination::cut(statement, request).fetch_readable(db).await?;
        return Ok(pagination::page_of_readable(rows, request, total));
    }
    let list = ScheduledList { kind: ScheduledKind::Pipeline, conditions: &conditions };
    let ids = list.page(&mut db.snapshot().await?, sort, request).await?;
    let page = pagination::page(ids, request, total);
    let ids: Vec<PipelineId> = page.items.iter().map(|(id,)| PipelineId(*id)).collect();
    let mut items = find_all(db, scope, &ids).await?;
    items.sort_by_cached_key(|pipeline| ids.iter().position(|id| *id == pipeline.id));
    Ok(Page { items, request, total: page.total, has_more: page.has_more })
}

/// Deletes a pipeline with its versions. Its runs must be deleted before.
pub async fn delete(tx: &mut Tx, id: PipelineId) -> Result<()> {
    sql("DELETE FROM pipeline_versions WHERE pipeline_id = $1").bind(id).execute(&mut *tx).await?;
    sql("DELETE FROM pipelines WHERE id = $1").bind(id).execute(tx).await?;
    Ok(())
}

fn scoped(statement: Sql, scope: Scope) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push_bind(" AND p.customer_id = ", customer),
        // Agents see only the steps that are sent to them.
        Scope::Agent(_) => statement.push(" AND 1 = 0"),
    }
}
