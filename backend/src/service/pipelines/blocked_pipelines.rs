//! Finds the pipelines of which no run can start, because an agent is missing or ambiguous.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    actor::Scope,
    error::Result,
    ids::{CustomerId, PipelineId},
    model::definition::Definition,
    service::ControlPlane,
    store::{self, attention::EnabledPipeline},
};

/// The maximum number of pipelines that are looked at.
const MOST: i64 = 500;
/// The maximum number of definitions in memory at once.
const AT_ONCE: usize = 20;

/// The names of the agents that a version of a pipeline needs. A name of `None` stands for the only agent of the
/// customer.
#[derive(Clone, Debug)]
pub(in crate::service) struct NamedAgents {
    version: i64,
    names: Arc<[Option<String>]>,
}

/// An enabled pipeline of which no run can start.
#[derive(Clone, Debug)]
pub(in crate::service) struct BlockedPipeline {
    pub(in crate::service) pipeline: EnabledPipeline,
    /// Why no run can start.
    pub(in crate::service) reason: String,
}

impl ControlPlane {
    /// Returns the enabled pipelines of which no run can start. The definition of each version is read once.
    pub(in crate::service) async fn blocked_pipelines(&self) -> Result<Vec<BlockedPipeline>> {
        let pipelines = store::attention::enabled_pipelines(&self.db, MOST).await?;
        self.read_named_agents(&pipelines).await?;
        let known: HashMap<PipelineId, NamedAgents> = self.attention.named_agents().clone();
        let mut by_customer: BTreeMap<Option<CustomerId>, Vec<(EnabledPipeline, NamedAgents)>> = BTreeMap::new();
        for pipeline in pipelines {
            if let Some(agents) = known.get(&pipeline.id) {
                by_customer.entry(pipeline.customer_id).or_default().push((pipeline, agents.clone()));
            }
        }
        let mut blocked = Vec::new();
        for (customer, pipelines) in by_customer {
            let named = pipelines.iter().flat_map(|(_, agents)| agents.names.iter().map(Option::as_deref));
            let named: Vec<Option<&str>> = named.collect();
            let agents = self.agents_named(customer, &named).await?;
            for (pipeline, needed) in &pipelines {
                let problem = needed.names.iter().find_map(|name| agents.require_one(name.as_deref()).err());
                if let Some(problem) = problem {
                    blocked.push(BlockedPipeline { pipeline: pipeline.clone(), reason: problem.to_string() });
                }
            }
        }
        Ok(blocked)
    }

    /// Reads the definitions that are not cached yet, and removes those of other pipelines from the cache.
    async fn read_named_agents(&self, pipelines: &[EnabledPipeline]) -> Result<()> {
        let unknown: Vec<PipelineId> = {
            let listed: HashSet<PipelineId> = pipelines.iter().map(|pipeline| pipeline.id).collect();
            let mut known = self.attention.named_agents();
            known.retain(|id, _| listed.contains(id));
            let is_unknown = |pipeline: &&EnabledPipeline| {
                known.get(&pipeline.id).is_none_or(|agents| agents.version != pipeline.version)
            };
            pipelines.iter().filter(is_unknown).map(|pipeline| pipeline.id).collect()
        };
        for ids in unknown.chunks(AT_ONCE) {
            for row in store::pipelines::find_all(&self.db, Scope::All, ids).await? {
                // A definition of a later version that cannot be read here says nothing about its agents.
                let definition = self.definition(&row.yaml, row.filling.0).await.ok();
                let names = definition.iter().flat_map(Definition::agents);
                let names: Arc<[Option<String>]> = names.map(|name| name.map(str::to_owned)).collect();
                self.attention.named_agents().insert(row.id, NamedAgents { version: row.version, names });
            }
        }
        Ok(())
    }
}
