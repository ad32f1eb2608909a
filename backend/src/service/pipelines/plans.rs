//! What runs do, told as a dry run tells it.

use std::collections::HashMap;

use serde_json::Value;

use super::definitions::parse;
use crate::{
    actor::Actor,
    error::Result,
    ids::{AgentId, PipelineId, RunId},
    model::{
        agent::AgentRef,
        definition::{Definition, Found, Plan},
        pipeline::graph::Node,
    },
    service::ControlPlane,
    store::{self, pipeline_runs::PipelineRunRow},
};

impl ControlPlane {
    /// What each of these runs does: the steps of its version with its parameters, each with the agent that was chosen when
    /// the run was made. There is no schedule in it: a run happens once. A run whose version this server can no longer
    /// read is left out.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless an administrator asks.
    pub async fn plans_of_pipeline_runs(&self, actor: &Actor, ids: &[RunId]) -> Result<HashMap<RunId, Value>> {
        actor.require_admin()?;
        let runs = store::pipeline_runs::find_all(&self.db, ids).await?;
        let definitions = self.definitions_of(&runs).await?;
        let mut agents: Vec<AgentId> =
            runs.iter().flat_map(|run| &run.course.graph.nodes).filter_map(Node::agent).collect();
        agents.sort_unstable();
        agents.dedup();
        let agents = store::agents::names(&self.db, &agents).await?;
        let agents: HashMap<AgentId, AgentRef> = agents.into_iter().map(|agent| (agent.id, agent)).collect();
        let plan = |run: &PipelineRunRow| {
            let definition = definitions.get(&(run.pipeline_id, run.version))?;
            let plan = serde_json::to_value(self.plan_of(run, definition, &agents)?).ok()?;
            Some((run.id, plan))
        };
        Ok(runs.iter().filter_map(plan).collect())
    }

    /// What the versions say that these runs are runs of, each read once.
    async fn definitions_of(&self, runs: &[PipelineRunRow]) -> Result<HashMap<(PipelineId, i64), Definition>> {
        let mut versions: Vec<(PipelineId, i64)> = runs.iter().map(|run| (run.pipeline_id, run.version)).collect();
        versions.sort_unstable();
        versions.dedup();
        let mut definitions = HashMap::with_capacity(versions.len());
        for (version, yaml) in store::pipelines::find_versions(&self.db, &versions).await? {
            if let Some(definition) = parse(yaml).await?.definition {
                definitions.insert(version, definition);
            }
        }
        Ok(definitions)
    }

    fn plan_of(
        &self,
        run: &PipelineRunRow,
        definition: &Definition,
        agents: &HashMap<AgentId, AgentRef>,
    ) -> Option<Plan> {
        // Who does what was settled when the run was made, whoever has these names by now.
        let mut plan = definition.plan(&run.parameters, |_| Found::Nobody, self.now()).plan?;
        plan.schedule = None;
        for step in &mut plan.steps {
            let node = run.course.graph.nodes.iter().find(|node| node.id == step.id);
            step.agent = node.and_then(Node::agent).and_then(|agent| agents.get(&agent)).cloned();
        }
        Some(plan)
    }
}
