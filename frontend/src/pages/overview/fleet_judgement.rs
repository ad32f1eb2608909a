//! The judgement at the top of the page: the state of the fleet in one sentence.

use leptos::prelude::*;

use crate::{
    api::attention::{AttentionItem, AttentionKind, AttentionObjectType},
    attention::AttentionItems,
    fleet_totals::FleetTotals,
    format, labels,
    reactive_query::Stage,
    session::{Permission, Session},
    staleness::Staleness,
    ui::{Icon, SkeletonText, Tone},
};

/// The content of the judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Judgement {
    tone: Tone,
    icon: &'static str,
    text: String,
    /// A second line: what was checked, or how many items are snoozed.
    detail: String,
}

/// The scope of the check, for the second line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Checked {
    agents: i32,
    running: i32,
    /// Whether the user may see the runs of jobs and pipelines.
    sees_runs: bool,
}

/// The judgement.
#[component]
pub(super) fn FleetJudgement() -> impl IntoView {
    let (attention, totals) = (expect_context::<AttentionItems>(), expect_context::<FleetTotals>());
    let (staleness, session) = (expect_context::<Staleness>(), expect_context::<Session>());
    let judgement = Memo::new(move |_| {
        let checked = totals.read(|fleet| Checked {
            agents: fleet.agents.total,
            running: fleet.transfers.running,
            sees_runs: session.may(Permission::ViewJobRuns),
        });
        match (attention.read(|attention| judge(&attention.items, checked)), attention.stage()) {
            (Some(judgement), _) => judgement,
            (None, Stage::Failed(_)) => Some(Judgement {
                tone: Tone::Bad,
                icon: "warning",
                text: "What needs attention could not be loaded".to_owned(),
                detail: String::new(),
            }),
            (None, _) => None,
        }
    });
    let tone = move || {
        let known = judgement.with(|judgement| judgement.as_ref().map_or(Tone::Neutral, |judgement| judgement.tone));
        if staleness.since().is_some() { Tone::Neutral.name() } else { known.name() }
    };
    let text = move || {
        let text = judgement.with(|judgement| judgement.as_ref().map(|judgement| judgement.text.clone()))?;
        Some(if staleness.since().is_some() { format!("Last known: {text}") } else { text })
    };
    let shown = move || match text() {
        Some(text) => text.into_any(),
        None => view! { <SkeletonText /> }.into_any(),
    };
    let icon = move || {
        let icon = judgement.with(|judgement| judgement.as_ref().map(|judgement| judgement.icon));
        icon.map(|icon| view! { <Icon name=icon /> })
    };
    let detail = move || {
        judgement.with(|judgement| judgement.as_ref().map(|judgement| judgement.detail.clone())).unwrap_or_default()
    };
    view! {
        <div class="judgement" data-tone=tone>
            {icon}
            <p class="judgement-text" role="status" aria-label="Summary">
                {shown}
            </p>
            <p class="judgement-detail">{detail}</p>
        </div>
    }
}

/// Computes the judgement from the items; `None` if no item needs attention and the totals are not loaded yet.
fn judge(items: &[AttentionItem], checked: Option<Checked>) -> Option<Judgement> {
    let open = || items.iter().filter(|item| item.snoozed_until.is_none());
    let snoozed = i64::try_from(items.len() - open().count()).unwrap_or(i64::MAX);
    if let Some(worst) = open().next() {
        let (_, icon, tone) = labels::attention::severity(worst.severity);
        let detail = if snoozed > 0 { format!("{} snoozed", format::count(snoozed)) } else { String::new() };
        return Some(Judgement { tone, icon, text: sentence(open()), detail });
    }
    let checked = checked?;
    let good = |text: String, detail| Judgement { tone: Tone::Good, icon: "done", text, detail };
    let parts = [
        Some(format!("the heartbeats of {}", format::counted(checked.agents.into(), "agent"))),
        Some(format!("{} and the failures of 24 hours", format::counted(checked.running.into(), "running transfer"))),
        checked.sees_runs.then(|| "the runs and slots of jobs and pipelines".to_owned()),
        Some("keys and certificates".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let detail = format!("Checked: {}.", parts.join(", "));
    Some(match (snoozed, checked.agents) {
        (0, 0) => Judgement {
            tone: Tone::Neutral,
            icon: "agents",
            text: "No agents yet".to_owned(),
            detail: "Add the first agent to see here how the fleet is doing.".to_owned(),
        },
        (0, _) => good("Everything runs as it should".to_owned(), detail),
        (snoozed, _) => {
            good(format!("Everything runs as it should, apart from {} snoozed", format::count(snoozed)), detail)
        }
    })
}

/// A part of the sentence: the objects of one kind, which are counted together.
struct Part<'a> {
    kind: AttentionKind,
    /// Whether pipelines are counted. Otherwise jobs are.
    of_pipelines: bool,
    count: i64,
    is_at_least: bool,
    /// The ids of the jobs or pipelines that are counted so far.
    owners: Vec<&'a str>,
}

/// The number of objects that need attention of each kind, in the order of the items: `2 agents silent, 1 job late`.
fn sentence<'a>(items: impl Iterator<Item = &'a AttentionItem>) -> String {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for item in items {
        let owner = item.objects.first().filter(|_| counts_owners(item.kind));
        let of_pipelines = owner.is_some_and(|owner| owner.kind == AttentionObjectType::Pipeline);
        let is_same = |part: &&mut Part<'a>| part.kind == item.kind && part.of_pipelines == of_pipelines;
        let is_at_least = item.count_is_at_least && owner.is_none();
        let count = i64::from(item.count);
        match (parts.iter_mut().find(is_same), owner.map(|owner| owner.id.inner())) {
            (Some(part), Some(owner)) => {
                if !part.owners.contains(&owner) {
                    part.owners.push(owner);
                    part.count += 1;
                }
            }
            (Some(part), None) => {
                part.count += count;
                part.is_at_least |= is_at_least;
            }
            (None, owner) => {
                let count = if owner.is_some() { 1 } else { count };
                let owners = owner.into_iter().collect();
                parts.push(Part { kind: item.kind, of_pipelines, count, is_at_least, owners });
            }
        }
    }
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Whether the jobs and pipelines of items of this kind are counted, instead of their runs.
fn counts_owners(kind: AttentionKind) -> bool {
    matches!(kind, AttentionKind::RunFailed | AttentionKind::RunLate | AttentionKind::PipelineCannotRun)
}

fn part(part: &Part<'_>) -> String {
    let owner = if part.of_pipelines { "pipeline" } else { "job" };
    let (noun, state) = match part.kind {
        AttentionKind::TransferFailed => ("transfer", "failed"),
        AttentionKind::TransferStalled => ("transfer", "stalled"),
        AttentionKind::RunFailed => (owner, "failing"),
        AttentionKind::RunLate => (owner, "late"),
        AttentionKind::SlotMissed => ("scheduled time", "missed"),
        AttentionKind::AgentSilent => ("agent", "silent"),
        AttentionKind::AgentError => ("agent", "in error"),
        AttentionKind::CertificateExpires => ("certificate", "to renew"),
        AttentionKind::KeyExpires => ("key", "to replace"),
        AttentionKind::PipelineCannotRun => (owner, "unable to run"),
    };
    let (more, ending) = (if part.is_at_least { "+" } else { "" }, if part.count == 1 { "" } else { "s" });
    format!("{}{more} {noun}{ending} {state}", format::count(part.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::attention::AttentionSeverity, time::Instant};

    const CHECKED: Option<Checked> = Some(Checked { agents: 41, running: 1, sees_runs: true });

    fn item(kind: AttentionKind, count: i32, objects: &[(AttentionObjectType, &str)]) -> AttentionItem {
        let objects: Vec<_> = objects.iter().map(|(kind, id)| (*kind, *id, *id)).collect();
        AttentionItem::sample(kind, count, &objects)
    }

    fn snoozed(item: AttentionItem) -> AttentionItem {
        AttentionItem { snoozed_until: Some(Instant(1)), ..item }
    }

    fn text(items: &[AttentionItem]) -> String {
        judge(items, CHECKED).map(|judgement| judgement.text).unwrap_or_default()
    }

    #[test]
    fn groups_of_one_kind_are_added_up_in_the_order_of_the_items() {
        let items = [
            item(AttentionKind::AgentSilent, 2, &[]),
            item(AttentionKind::TransferFailed, 8, &[]),
            item(AttentionKind::RunLate, 1, &[(AttentionObjectType::Job, "j1")]),
            item(AttentionKind::TransferFailed, 1, &[]),
        ];
        assert_eq!(text(&items), "2 agents silent, 9 transfers failed, 1 job late");
    }

    #[test]
    fn jobs_and_pipelines_are_counted_once_each() {
        let (job, pipeline) = (AttentionObjectType::Job, AttentionObjectType::Pipeline);
        let items = [
            item(AttentionKind::RunFailed, 3, &[(job, "j1"), (AttentionObjectType::JobRun, "r1")]),
            item(AttentionKind::RunLate, 1, &[(job, "j1")]),
            item(AttentionKind::RunLate, 4, &[(job, "j1")]),
            item(AttentionKind::RunFailed, 1, &[(pipeline, "p1")]),
            item(AttentionKind::RunFailed, 1, &[(job, "j2")]),
            item(AttentionKind::SlotMissed, 3, &[(job, "j1")]),
        ];
        assert_eq!(text(&items), "2 jobs failing, 1 job late, 1 pipeline failing, 3 scheduled times missed");
    }

    #[test]
    fn a_count_that_stopped_says_so() {
        let failed = item(AttentionKind::TransferFailed, 5000, &[]);
        let items = [AttentionItem { count_is_at_least: true, ..failed }];
        assert_eq!(text(&items), "5,000+ transfers failed");
    }

    #[test]
    fn the_first_item_decides_the_tone_and_snoozed_ones_are_left_out() {
        let critical =
            AttentionItem { severity: AttentionSeverity::Critical, ..item(AttentionKind::AgentError, 1, &[]) };
        let items = [critical, snoozed(item(AttentionKind::KeyExpires, 1, &[]))];
        let judgement = judge(&items, None).expect("a judgement");
        assert_eq!((judgement.tone, judgement.text.as_str()), (Tone::Bad, "1 agent in error"));
        assert_eq!(judgement.detail, "1 snoozed");
    }

    #[test]
    fn without_items_everything_runs_as_it_should_and_it_is_said_what_was_checked() {
        let judgement = judge(&[], CHECKED).expect("a judgement");
        assert_eq!((judgement.tone, judgement.text.as_str()), (Tone::Good, "Everything runs as it should"));
        assert_eq!(
            judgement.detail,
            "Checked: the heartbeats of 41 agents, 1 running transfer and the failures of 24 hours, the runs and slots of \
             jobs and pipelines, keys and certificates."
        );
        let customer = Checked { agents: 1, running: 0, sees_runs: false };
        let detail = judge(&[], Some(customer)).expect("a judgement").detail;
        assert!(detail.contains("1 agent,") && !detail.contains("jobs"), "{detail}");
        assert_eq!(judge(&[], None), None);
    }

    #[test]
    fn what_is_snoozed_is_no_proof_that_everything_runs() {
        let items = [snoozed(item(AttentionKind::AgentSilent, 1, &[]))];
        assert_eq!(text(&items), "Everything runs as it should, apart from 1 snoozed");
        let empty = Checked { agents: 0, running: 0, sees_runs: true };
        assert_eq!(judge(&[], Some(empty)).expect("a judgement").text, "No agents yet");
    }
}
