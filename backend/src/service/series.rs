//! Series of what happened, as the caller may see it.

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    model::series::{Buckets, Series, SeriesOf, SeriesPoint, SeriesRequest, SeriesStep, final_until, points},
    store::{
        self,
        series::{Counted, Resolution},
    },
};

impl ControlPlane {
    /// A series, with the one of the window before if the request asks for it.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] for objects outside the caller's scope.
    pub async fn get_series(&self, actor: &Actor, request: &SeriesRequest) -> Result<Series> {
        let scope = actor.require(Permission::ViewFleet)?;
        let counted = self.counted(actor, scope, request.of).await?;
        let points = self.points(request, counted, &request.buckets()).await?;
        let baseline = match request.baseline() {
            Some(buckets) => Some(self.points(request, counted, &buckets).await?),
            None => None,
        };
        let final_until = final_until(self.now());
        Ok(Series { metric: request.metric, step: request.step, final_until, points, baseline })
    }

    /// The objects whose totals the caller gets.
    async fn counted(&self, actor: &Actor, scope: Scope, of: SeriesOf) -> Result<Counted> {
        match of {
            SeriesOf::Everything => Ok(match scope {
                Scope::All => Counted::All,
                Scope::Customer(customer) => Counted::Customer(customer),
                Scope::Agent(agent) => Counted::Agent(agent),
            }),
            SeriesOf::Customer(customer) => {
                let found = self.find_customers(actor, &[customer]).await?;
                found.first().map(|found| Counted::Customer(found.id)).ok_or(Error::NotFound("customer"))
            }
            SeriesOf::Agent(agent) => {
                let found = self.find_agents(actor, &[agent]).await?;
                found.first().map(|found| Counted::Agent(found.id)).ok_or(Error::NotFound("agent"))
            }
            SeriesOf::Job(job) => Ok(Counted::Job(self.get_job(actor, job).await?.id)),
        }
    }

    async fn points(&self, request: &SeriesRequest, counted: Counted, buckets: &Buckets) -> Result<Vec<SeriesPoint>> {
        let resolution = match request.step {
            SeriesStep::Minute => Resolution::Minute,
            SeriesStep::Hour | SeriesStep::Day => Resolution::Hour,
        };
        let (from, to) = (buckets.first(), buckets.end());
        let own = store::series::list(&self.db, resolution, counted, from, to).await?;
        let platform = match counted {
            Counted::All => own.clone(),
            _ => store::series::list(&self.db, resolution, Counted::All, from, to).await?,
        };
        Ok(points(request.metric, buckets, &own, &platform))
    }
}
