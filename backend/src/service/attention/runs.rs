//! Attention items about jobs and pipelines whose runs fail, are late or do not start. Only administrators receive
//! them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

use super::count;
use crate::{
    error::Result,
    ids::ObjectId,
    model::attention::{
        AttentionAction, AttentionActionType, AttentionItem, AttentionKind, AttentionObject, AttentionObjectType,
        AttentionSeverity, MAX_OBJECTS, counted,
        failure_cause_and_host::{Failure, reason},
        usual_duration_limit::{LATEST_START, SAMPLES, longest_usual},
    },
    service::{ControlPlane, pipelines::BlockedPipeline},
    store::{
        self,
        attention::{NewestRun, OwnedSlot, Owner, Wanted},
        schedules::ScheduledKind,
    },
};

/// How far back failed runs are looked for. A job that runs once a month is still noticed.
const RUNS_SINCE: TimeDelta = TimeDelta::days(31);
/// How far back missed slots count.
const DAY: TimeDelta = TimeDelta::hours(24);
/// The maximum number of jobs, and of pipelines, with failed runs.
const MOST_OWNERS: i64 = 100;
/// The maximum number of consecutive failed runs that are counted.
const MOST_IN_A_ROW: i64 = 20;
/// The maximum number of slots that are read.
const MOST_SLOTS: i64 = 5_000;
/// The maximum number of long runs that are compared with the usual duration.
const MOST_LONG_RUNS: i64 = 200;
/// From this number of failures in a row on, an item is critical.
const MANY: usize = 3;

/// A group of runs or slots of one job or pipeline.
struct Group<'a> {
    owner: &'a Owner,
    scheduled: ScheduledKind,
    severity: AttentionSeverity,
    count: i64,
    since: DateTime<Utc>,
    cause: Option<String>,
    runs: Vec<AttentionObject>,
    action: Option<(AttentionActionType, Uuid)>,
}

impl ControlPlane {
    pub(super) async fn unhealthy_runs(&self, now: DateTime<Utc>) -> Result<Vec<AttentionItem>> {
        let mut items = Vec::new();
        for kind in [ScheduledKind::Job, ScheduledKind::Pipeline] {
            items.extend(self.failing(kind, now).await?);
        }
        let missed = store::attention::missed_slots(&self.db, now - DAY, MOST_SLOTS).await?;
        let is_at_least = count(&missed) >= MOST_SLOTS;
        let missed = by_owner(missed);
        let waiting = by_owner(store::attention::waiting_slots(&self.db, now - LATEST_START, MOST_SLOTS).await?);
        for kind in [ScheduledKind::Job, ScheduledKind::Pipeline] {
            items.extend(self.missed(kind, &missed, is_at_least).await?);
            items.extend(self.waiting(kind, &waiting, now).await?);
            items.extend(self.long_runs(kind, now).await?);
        }
        Ok(items)
    }

    /// The enabled jobs or pipelines whose last run that ended has failed.
    async fn failing(&self, kind: ScheduledKind, now: DateTime<Utc>) -> Result<Vec<AttentionItem>> {
        let ids = store::attention::owners_of_failed_runs(&self.db, kind, now - RUNS_SINCE, MOST_OWNERS).await?;
        let owners = store::attention::owners(&self.db, kind, &ids).await?;
        let mut runs: BTreeMap<Uuid, Vec<NewestRun>> = BTreeMap::new();
        for run in store::attention::newest_runs(&self.db, kind, &ids, Wanted::Any, MOST_IN_A_ROW).await? {
            runs.entry(run.owner_id).or_default().push(run);
        }
        let mut items = Vec::new();
        for (id, mut runs) in runs {
            runs.sort_unstable_by_key(|run| Reverse(run.id));
            let Some(owner) = owners.get(&id).filter(|owner| owner.enabled) else { continue };
            let ended = runs.iter().filter(|run| matches!(run.status.as_str(), "completed" | "failed"));
            let failed: Vec<&NewestRun> = ended.take_while(|run| run.status == "failed").collect();
            let (Some(last), Some(first)) = (failed.first(), failed.last()) else { continue };
            let action = match kind {
                ScheduledKind::Job => (AttentionActionType::RunJob, id),
                ScheduledKind::Pipeline => (AttentionActionType::RerunPipelineRun, last.id.0),
            };
            let group = Group {
                owner,
                scheduled: kind,
                severity: if failed.len() >= MANY { AttentionSeverity::Critical } else { AttentionSeverity::Warning },
                count: count(&failed),
                since: first.completed_at.unwrap_or(now),
                cause: failure(last).cause(),
                runs: failed.iter().map(|run| run_object(kind, run.id.0, run.started_at)).collect(),
                action: Some(action),
            };
            let times = if failed.len() == 1 {
                "The last run of".to_owned()
            } else {
                format!("The last {} of", counted(group.count, false, "run"))
            };
            let reason = reason(failed.iter().copied().map(failure), group.cause.as_deref());
            let summary = format!("{times} {} failed{reason}", named(kind, owner));
            items.push(group.item(AttentionKind::RunFailed, "", summary));
        }
        Ok(items)
    }

    /// The jobs or pipelines with missed slots. `is_at_least` says that there may be more slots than were read.
    async fn missed(
        &self,
        kind: ScheduledKind,
        slots: &BTreeMap<(ScheduledKind, Uuid), Vec<OwnedSlot>>,
        is_at_least: bool,
    ) -> Result<Vec<AttentionItem>> {
        let owners = self.owners_of(kind, slots).await?;
        let of_kind = slots.iter().filter(|((of, _), _)| *of == kind);
        let items = of_kind.filter_map(|((_, id), slots)| {
            let owner = owners.get(id).filter(|owner| owner.enabled)?;
            // The latest slot comes first.
            let (last, first) = (slots.first()?, slots.last()?);
            let action = match kind {
                ScheduledKind::Job => AttentionActionType::RunJob,
                ScheduledKind::Pipeline => AttentionActionType::RunPipeline,
            };
            let group = Group {
                owner,
                scheduled: kind,
                severity: AttentionSeverity::Warning,
                count: slots.iter().fold(0, |sum, slot| slot.count.saturating_add(sum)),
                since: first.scheduled_for,
                cause: last.reason.clone(),
                runs: Vec::new(),
                action: Some((action, *id)),
            };
            let summary = format!(
                "{} missed {}",
                capitalised(&named(kind, owner)),
                counted(group.count, is_at_least, "scheduled time")
            );
            let item = group.item(AttentionKind::SlotMissed, "", summary);
            Some(AttentionItem { count_is_at_least: is_at_least, ..item })
        });
        Ok(items.collect())
    }

    async fn waiting(
        &self,
        kind: ScheduledKind,
        slots: &BTreeMap<(ScheduledKind, Uuid), Vec<OwnedSlot>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let owners = self.owners_of(kind, slots).await?;
        let of_kind = slots.iter().filter(|((of, _), _)| *of == kind);
        let items = of_kind.filter_map(|((_, id), slots)| {
            let owner = owners.get(id)?;
            let since = slots.iter().map(|slot| slot.scheduled_for).min()?;
            let group = Group {
                owner,
                scheduled: kind,
                severity: AttentionSeverity::of_duration(now - since),
                count: count(slots),
                since,
                cause: None,
                runs: Vec::new(),
                action: None,
            };
            let time = since.to_rfc3339_opts(SecondsFormat::Secs, true);
            let summary = format!("{} has not started since {time}", capitalised(&named(kind, owner)));
            Some(group.item(AttentionKind::RunLate, "start", summary))
        });
        Ok(items.collect())
    }

    async fn owners_of(
        &self,
        kind: ScheduledKind,
        slots: &BTreeMap<(ScheduledKind, Uuid), Vec<OwnedSlot>>,
    ) -> Result<HashMap<Uuid, Owner>> {
        let ids: Vec<Uuid> = slots.keys().filter(|(of, _)| *of == kind).map(|(_, id)| *id).collect();
        store::attention::owners(&self.db, kind, &ids).await
    }

    /// The jobs or pipelines with a run that takes longer than usual.
    async fn long_runs(&self, kind: ScheduledKind, now: DateTime<Utc>) -> Result<Vec<AttentionItem>> {
        // No run that is shorter is late.
        let running = store::attention::long_runs(&self.db, kind, now - LATEST_START, MOST_LONG_RUNS).await?;
        let mut runs: BTreeMap<Uuid, Vec<(Uuid, DateTime<Utc>)>> = BTreeMap::new();
        for (run, owner, started_at) in running {
            runs.entry(owner).or_default().push((run.0, started_at));
        }
        let ids: Vec<Uuid> = runs.keys().copied().collect();
        let mut durations: BTreeMap<Uuid, Vec<TimeDelta>> = BTreeMap::new();
        for run in store::attention::newest_runs(&self.db, kind, &ids, Wanted::Completed, SAMPLES).await? {
            if let (Some(started), Some(completed)) = (run.started_at, run.completed_at) {
                durations.entry(run.owner_id).or_default().push(completed - started);
            }
        }
        let owners = store::attention::owners(&self.db, kind, &ids).await?;
        let items = runs.into_iter().filter_map(|(id, runs)| {
            let owner = owners.get(&id)?;
            let longest = longest_usual(durations.remove(&id)?)?;
            let late: Vec<(Uuid, DateTime<Utc>)> =
                runs.into_iter().filter(|(_, started)| now - *started > longest).collect();
            let since = late.iter().map(|(_, started)| *started + longest).min()?;
            let group = Group {
                owner,
                scheduled: kind,
                severity: AttentionSeverity::of_duration(now - since),
                count: count(&late),
                since,
                cause: None,
                runs: late.iter().map(|(run, started)| run_object(kind, *run, Some(*started))).collect(),
                action: None,
            };
            let what = if late.len() == 1 {
                "A run of".to_owned()
            } else {
                format!("{} of", counted(group.count, false, "run"))
            };
            let verb = if late.len() == 1 { "takes" } else { "take" };
            let summary = format!("{what} {} {verb} longer than usual", named(kind, owner));
            Some(group.item(AttentionKind::RunLate, "duration", summary))
        });
        Ok(items.collect())
    }

    /// The items about pipelines of which no run can start.
    pub(super) async fn pipelines_that_cannot_run(&self) -> Result<Vec<AttentionItem>> {
        let blocked = self.blocked_pipelines().await?.into_iter().map(|blocked| {
            let BlockedPipeline { pipeline, reason } = blocked;
            let owner =
                Owner { id: pipeline.id.0, name: pipeline.name, customer_id: pipeline.customer_id, enabled: true };
            let group = Group {
                owner: &owner,
                scheduled: ScheduledKind::Pipeline,
                severity: AttentionSeverity::Warning,
                count: 1,
                since: pipeline.updated_at,
                cause: Some(reason),
                runs: Vec::new(),
                action: None,
            };
            let summary = format!("No run of {} can start", named(ScheduledKind::Pipeline, &owner));
            group.item(AttentionKind::PipelineCannotRun, "", summary)
        });
        Ok(blocked.collect())
    }
}

impl Group<'_> {
    /// The item of the group. `part` distinguishes several items of one kind about the same job.
    fn item(self, kind: AttentionKind, part: &str, summary: String) -> AttentionItem {
        let Group { owner, scheduled, severity, count, since, cause, runs, action } = self;
        let ty = match scheduled {
            ScheduledKind::Job => AttentionObjectType::Job,
            ScheduledKind::Pipeline => AttentionObjectType::Pipeline,
        };
        let first = AttentionObject::new(ty, owner.id, owner.name.clone());
        AttentionItem {
            id: kind.item_id(&format!("{}\n{part}", owner.id)),
            kind,
            severity,
            count,
            count_is_at_least: kind == AttentionKind::RunFailed && count >= MOST_IN_A_ROW,
            since: since.into(),
            summary,
            cause,
            customer_id: owner.customer_id,
            objects: std::iter::once(first).chain(runs).take(MAX_OBJECTS).collect(),
            action: action.map(|(kind, id)| AttentionAction { kind, ids: vec![ObjectId(id)] }),
            snoozed_until: None,
            snooze_reason: None,
        }
    }
}

fn failure(run: &NewestRun) -> Failure<'_> {
    Failure { code: None, message: run.error_message.as_deref() }
}

fn by_owner(slots: Vec<OwnedSlot>) -> BTreeMap<(ScheduledKind, Uuid), Vec<OwnedSlot>> {
    let mut by_owner: BTreeMap<_, Vec<OwnedSlot>> = BTreeMap::new();
    for slot in slots {
        by_owner.entry(slot.owner).or_default().push(slot);
    }
    by_owner
}

/// ``the job `Nightly` ``
fn named(kind: ScheduledKind, owner: &Owner) -> String {
    match kind {
        ScheduledKind::Job => format!("the job `{}`", owner.name),
        ScheduledKind::Pipeline => format!("the pipeline `{}`", owner.name),
    }
}

/// A sentence that begins with `the`, with a capital letter.
fn capitalised(sentence: &str) -> String {
    sentence.strip_prefix('t').map_or_else(|| sentence.to_owned(), |rest| format!("T{rest}"))
}

fn run_object(kind: ScheduledKind, id: Uuid, started_at: Option<DateTime<Utc>>) -> AttentionObject {
    let ty = match kind {
        ScheduledKind::Job => AttentionObjectType::JobRun,
        ScheduledKind::Pipeline => AttentionObjectType::PipelineRun,
    };
    let name = started_at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    AttentionObject::new(ty, id, name)
}
