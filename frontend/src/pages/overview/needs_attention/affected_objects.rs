//! The objects that an attention item affects, as links. Pure.

use crate::{
    api::attention::{AttentionItem, AttentionKind, AttentionObject, AttentionObjectType},
    time::Instant,
};

/// The maximum number of objects that are named.
const MOST: usize = 3;

/// An object of an item.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affected {
    pub(super) name: Name,
    pub(super) address: String,
}

/// The name of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Name {
    Text(String),
    /// A run, named by the time at which it started; `None` if it has not started.
    Run(Option<Instant>),
}

/// The job or pipeline that an item is about.
pub(super) fn owner(item: &AttentionItem) -> Option<&AttentionObject> {
    let is_owner =
        |object: &&AttentionObject| matches!(object.kind, AttentionObjectType::Job | AttentionObjectType::Pipeline);
    item.objects.first().filter(is_owner)
}

/// The first objects of an item, at most [`MOST`].
pub(super) fn affected(item: &AttentionItem) -> Vec<Affected> {
    let owner = owner(item).map(|owner| owner.id.inner());
    item.objects.iter().take(MOST).filter_map(|object| link(object, owner)).collect()
}

/// The number of objects of an item that are not named, and the address of the page or list with all of them; `None` if
/// all are named.
pub(super) fn more(item: &AttentionItem) -> Option<(i32, String)> {
    let of_owner = owner(item).and_then(|owner| link(owner, None));
    let named = i32::try_from(item.objects.len().min(MOST)).unwrap_or(i32::MAX);
    let (all, address) = match item.kind {
        AttentionKind::TransferFailed => (item.count, "/transfers?status=failed&ended=24h".to_owned()),
        AttentionKind::TransferStalled => (item.count, "/transfers?stalled=true".to_owned()),
        AttentionKind::AgentSilent => (item.count, "/agents?status=offline".to_owned()),
        AttentionKind::AgentError => (item.count, "/agents?status=error".to_owned()),
        AttentionKind::CertificateExpires | AttentionKind::KeyExpires => (item.count, "/agents".to_owned()),
        AttentionKind::RunFailed
        | AttentionKind::RunLate
        | AttentionKind::SlotMissed
        | AttentionKind::PipelineCannotRun => {
            (i32::try_from(item.objects.len()).unwrap_or(i32::MAX), of_owner?.address)
        }
    };
    (all > named).then(|| (all - named, address))
}

fn link(object: &AttentionObject, owner: Option<&str>) -> Option<Affected> {
    let id = object.id.inner();
    let text = || Name::Text(object.name.clone());
    let run = || Name::Run(Instant::parse(&object.name));
    let (name, address) = match object.kind {
        AttentionObjectType::Agent => (text(), format!("/agents/{id}")),
        AttentionObjectType::Job => (text(), format!("/jobs/{id}")),
        AttentionObjectType::Pipeline => (text(), format!("/pipelines/{id}")),
        AttentionObjectType::Transfer => (text(), format!("/transfers/{id}")),
        AttentionObjectType::JobRun => (run(), format!("/jobs/{}/runs/{id}", owner?)),
        AttentionObjectType::PipelineRun => (run(), format!("/pipelines/{}/runs/{id}", owner?)),
    };
    Some(Affected { name, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(item: &AttentionItem) -> Vec<String> {
        affected(item).into_iter().map(|affected| affected.address).collect()
    }

    #[test]
    fn a_run_has_the_address_of_its_job_or_pipeline() {
        use AttentionObjectType::{Job, JobRun, Pipeline, PipelineRun};
        let failed = AttentionItem::sample(
            AttentionKind::RunFailed,
            1,
            &[(Job, "j1", "Nightly"), (JobRun, "r1", "2026-04-25T13:00:00Z")],
        );
        assert_eq!(addresses(&failed), ["/jobs/j1", "/jobs/j1/runs/r1"]);
        assert_eq!(affected(&failed)[1].name, Name::Run(Instant::parse("2026-04-25T13:00:00Z")));
        assert_eq!(more(&failed), None);
        let late =
            AttentionItem::sample(AttentionKind::RunLate, 1, &[(Pipeline, "p1", "Orders"), (PipelineRun, "r1", "")]);
        assert_eq!(addresses(&late), ["/pipelines/p1", "/pipelines/p1/runs/r1"]);
        assert_eq!(affected(&late)[1].name, Name::Run(None));
    }

    #[test]
    fn the_list_has_those_that_are_not_named() {
        let objects: Vec<_> = ["t1", "t2", "t3", "t4"].map(|id| (AttentionObjectType::Transfer, id, "a.csv")).to_vec();
        let failed = AttentionItem::sample(AttentionKind::TransferFailed, 9, &objects);
        assert_eq!(addresses(&failed), ["/transfers/t1", "/transfers/t2", "/transfers/t3"]);
        assert_eq!(more(&failed), Some((6, "/transfers?status=failed&ended=24h".to_owned())));
        let silent =
            AttentionItem::sample(AttentionKind::AgentSilent, 1, &[(AttentionObjectType::Agent, "a1", "edge-1")]);
        assert_eq!((addresses(&silent), more(&silent)), (vec!["/agents/a1".to_owned()], None));
    }
}
