//! Queries of series (metrics over time) and of the samples of transfers.

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    ids::TransferId,
    model::{
        series::{
            Buckets, Series, SeriesOf, SeriesPoint, SeriesRequest, SeriesStep, SeriesTotals, final_until, kept_since,
            points,
        },
        transfer::{Samples, TransferSample},
    },
    store::{
        self,
        series::{Counted, Resolution},
    },
};

impl ControlPlane {
    /// Returns a series. If the request asks for a baseline, the series of the earlier window is included.
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

    /// Returns the samples of a transfer in the order of time.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such transfer within the caller's scope.
    pub async fn get_transfer_samples(&self, actor: &Actor, id: TransferId) -> Result<Vec<TransferSample>> {
        let scope = actor.require(Permission::ViewTransfers)?;
        self.get_transfer(actor, id).await?;
        let found = store::transfer_samples::list(&self.db, scope, &[id]).await?;
        Ok(found.first().map(|(_, samples)| samples.list().to_vec()).unwrap_or_default())
    }

    /// Returns the samples of those of these transfers that the caller may see, in no particular order. The result has
    /// no entry for a transfer without samples.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_transfer_samples(&self, actor: &Actor, ids: &[TransferId]) -> Result<Vec<(TransferId, Samples)>> {
        let scope = actor.require(Permission::ViewTransfers)?;
        store::transfer_samples::list(&self.db, scope, ids).await
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
        let own = self.totals(request.step, counted, buckets).await?;
        let platform = match counted {
            Counted::All => own.clone(),
            _ => self.totals(request.step, Counted::All, buckets).await?,
        };
        Ok(points(request.metric, buckets, &own, &platform, kept_since(self.now())))
    }

    /// What was counted in each bucket, in ascending order. Those in which nothing was counted are left out.
    async fn totals(&self, step: SeriesStep, counted: Counted, buckets: &Buckets) -> Result<Vec<(i64, SeriesTotals)>> {
        let resolution = match step {
            SeriesStep::Minute => Resolution::Minute,
            SeriesStep::Hour => Resolution::Hour,
            SeriesStep::Day | SeriesStep::Month => {
                return store::series::sums(&self.db, counted, buckets.spans()).await;
            }
        };
        store::series::list(&self.db, resolution, counted, buckets.first(), buckets.end()).await
    }
}
