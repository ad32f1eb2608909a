//! The entries of the palette and their order. Pure.

use super::matching::rank;
use crate::{
    api::object_search::{FoundAgent, FoundJob, FoundPipeline, FoundTransfer},
    format,
    labels::{TRANSFER_STATUSES, label_of},
    session::{Permission, Viewer},
    shortcuts::{Destination, destinations},
};

/// The maximum number of entries of a group.
const MOST: usize = 7;

/// A group of entries. The variants have the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Pages,
    Actions,
    Jobs,
    Pipelines,
    Agents,
    Transfers,
}

impl Group {
    /// The heading of the group.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Pages => "Pages",
            Self::Actions => "Actions",
            Self::Jobs => "Jobs",
            Self::Pipelines => "Pipelines",
            Self::Agents => "Agents",
            Self::Transfers => "Transfers",
        }
    }
}

/// The action of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Goes to an address of the dashboard.
    Go(String),
    /// Shows times in UTC if true, otherwise in the time zone of the browser.
    ShowUtc(bool),
    /// Switches single-key shortcuts on or off.
    UseSingleKeys(bool),
    /// Shows the list of keys.
    ListKeys,
    /// Starts a run of the job with this id.
    RunJob(String),
    /// Resumes the job with this id if true, otherwise pauses it.
    EnableJob(String, bool),
    /// Ends the session.
    SignOut,
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) group: Group,
    pub(super) icon: &'static str,
    pub(super) title: String,
    /// A text that distinguishes the entry from others with the same title.
    pub(super) about: String,
    pub(super) act: Act,
}

impl Entry {
    fn new(group: Group, icon: &'static str, title: impl Into<String>, act: Act) -> Self {
        Self { group, icon, title: title.into(), about: String::new(), act }
    }

    fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }
}

/// Entries for the pages that a user may see, and for actions that do not concern an object.
pub(super) fn general(viewer: &Viewer, is_utc: bool, has_single_keys: bool) -> Vec<Entry> {
    let page = |page: Destination| {
        Entry::new(Group::Pages, page.icon, page.name, Act::Go(page.address)).about(format!("g {}", page.key))
    };
    let action = |icon, title: &str, act| Entry::new(Group::Actions, icon, title, act);
    let go = |icon, title: &str, address: &str| action(icon, title, Act::Go(address.to_owned()));
    let mut entries: Vec<Entry> = destinations(viewer).into_iter().map(page).collect();
    if viewer.role.has(Permission::CreateJob) {
        entries.push(go("plus", "New job", "/jobs/new"));
    }
    entries.push(go("plus", "New pipeline", "/pipelines/new"));
    entries.push(go("plus", "Add an agent", "/agents/new"));
    let zone = if is_utc { "Show times in local time" } else { "Show times in UTC" };
    entries.push(action("jobs", zone, Act::ShowUtc(!is_utc)));
    entries.push(action("search", "Show keyboard shortcuts", Act::ListKeys).about("?"));
    let keys = if has_single_keys { "Turn single-key shortcuts off" } else { "Turn single-key shortcuts on" };
    entries.push(action("search", keys, Act::UseSingleKeys(!has_single_keys)));
    entries.push(action("leave", "Sign out", Act::SignOut));
    entries
}

/// Entries for jobs, and for the actions on them that the viewer may use now.
pub(super) fn of_jobs(jobs: &[FoundJob]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for job in jobs {
        let id = job.id.inner();
        let action = |title: String, act| Entry::new(Group::Actions, "jobs", title, act).about(job.agent_name.clone());
        let open = Act::Go(format!("/jobs/{id}"));
        entries.push(Entry::new(Group::Jobs, "jobs", job.name.clone(), open).about(job.agent_name.clone()));
        if job.viewer_can_run {
            entries.push(action(format!("Run {} now", job.name), Act::RunJob(id.to_owned())));
        }
        if job.enabled && job.viewer_can_disable {
            entries.push(action(format!("Pause {}", job.name), Act::EnableJob(id.to_owned(), false)));
        }
        if !job.enabled && job.viewer_can_enable {
            entries.push(action(format!("Resume {}", job.name), Act::EnableJob(id.to_owned(), true)));
        }
    }
    entries
}

/// Entries for agents that the server has found.
pub(super) fn of_agents(agents: &[FoundAgent]) -> Vec<Entry> {
    let entry = |agent: &FoundAgent| {
        let open = Act::Go(format!("/agents/{}", agent.id.inner()));
        let title = agent.name.clone().unwrap_or_else(|| agent.hostname.clone());
        Entry::new(Group::Agents, "agents", title, open).about(agent.hostname.clone())
    };
    agents.iter().map(entry).collect()
}

/// Entries for pipelines that the server has found.
pub(super) fn of_pipelines(pipelines: &[FoundPipeline]) -> Vec<Entry> {
    let entry = |pipeline: &FoundPipeline| {
        let open = Act::Go(format!("/pipelines/{}", pipeline.id.inner()));
        Entry::new(Group::Pipelines, "pipelines", pipeline.name.clone(), open).about(pipeline.identifier.clone())
    };
    pipelines.iter().map(entry).collect()
}

/// Entries for transfers that the server has found.
pub(super) fn of_transfers(transfers: &[FoundTransfer]) -> Vec<Entry> {
    let entry = |transfer: &FoundTransfer| {
        let open = Act::Go(format!("/transfers/{}", transfer.id.inner()));
        let status = label_of(&TRANSFER_STATUSES, &transfer.status);
        Entry::new(Group::Transfers, "transfers", format::file_name(&transfer.source), open)
            .about(format!("{status}, {}", transfer.agent_name))
    };
    transfers.iter().map(entry).collect()
}

/// The entries that match the query, by groups, with the best matches first. The entries in `found` come from the
/// server: all of them match, and they keep their order.
pub(super) fn arrange(query: &str, offered: Vec<Entry>, found: Vec<Entry>) -> Vec<Entry> {
    let ranked = offered.into_iter().filter_map(|entry| Some((rank(query, &entry.title)?, entry)));
    let mut ranked: Vec<(u8, Entry)> = ranked.chain(found.into_iter().map(|entry| (0, entry))).collect();
    // A stable sort: entries with the same rank keep their order.
    ranked.sort_by_key(|(rank, entry)| (entry.group, *rank));
    let mut entries: Vec<Entry> = Vec::new();
    for (_, entry) in ranked {
        let is_full = entries.iter().rev().take_while(|before| before.group == entry.group).count() >= MOST;
        // Without a query, all pages and actions are shown, even if there are more than `MOST`.
        if query.trim().is_empty() || !is_full {
            entries.push(entry);
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::transfers::TransferStatus, session::ViewerRole};

    fn titles(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.title.as_str()).collect()
    }

    fn viewer(role: ViewerRole) -> Viewer {
        let customer_id = (role == ViewerRole::Customer).then(|| "c1".to_owned());
        Viewer { email: "ops@acme.example".to_owned(), role, customer_id }
    }

    fn job(name: &str, enabled: bool, may: bool) -> FoundJob {
        FoundJob {
            id: cynic::Id::new(name),
            name: name.to_owned(),
            agent_name: "edge-1".to_owned(),
            enabled,
            viewer_can_run: may && enabled,
            viewer_can_disable: may && enabled,
            viewer_can_enable: may && !enabled,
        }
    }

    #[test]
    fn actions_are_those_of_the_role() {
        let of = |role| titles(&arrange("new job", general(&viewer(role), false, true), Vec::new())).len();
        assert_eq!((of(ViewerRole::Admin), of(ViewerRole::Customer)), (1, 0));
    }

    #[test]
    fn switches_offer_the_other_choice() {
        let find = |query, is_utc, keys| arrange(query, general(&viewer(ViewerRole::Admin), is_utc, keys), Vec::new());
        assert_eq!(find("times", true, true)[0].act, Act::ShowUtc(false));
        assert_eq!(find("times", false, true)[0].act, Act::ShowUtc(true));
        assert_eq!(find("single", false, false)[0].act, Act::UseSingleKeys(true));
    }

    #[test]
    fn jobs_have_the_actions_that_their_viewer_may_use() {
        let jobs = [job("Orders", true, true), job("Old orders", false, true), job("Foreign", true, false)];
        let entries = of_jobs(&jobs);
        let expected = ["Orders", "Run Orders now", "Pause Orders", "Old orders", "Resume Old orders", "Foreign"];
        assert_eq!(titles(&entries), expected);
        assert_eq!(arrange("pause ord", entries, Vec::new())[0].act, Act::EnableJob("Orders".to_owned(), false));
    }

    #[test]
    fn entries_stand_in_groups_with_the_best_first() {
        let agent = FoundAgent { id: cynic::Id::new("a1"), name: None, hostname: "edge.example".to_owned() };
        let transfer = FoundTransfer {
            id: cynic::Id::new("t1"),
            source: "/data/x.csv".to_owned(),
            agent_name: "edge-1".to_owned(),
            status: TransferStatus::Failed,
        };
        let mut found = of_transfers(&[transfer]);
        found.extend(of_agents(&[agent]));
        let entries = arrange("ord", of_jobs(&[job("Old orders", true, false), job("Orders", true, false)]), found);
        assert_eq!(titles(&entries), ["Orders", "Old orders", "edge.example", "x.csv"]);
        assert_eq!(entries[3].about, "Failed, edge-1");
    }

    #[test]
    fn a_group_has_a_limit_once_something_is_typed() {
        let jobs: Vec<FoundJob> = (0..20).map(|number| job(&format!("Job {number}"), true, false)).collect();
        assert_eq!(arrange("job", of_jobs(&jobs), Vec::new()).len(), MOST);
    }
}
