//! Series in GraphQL, and the field of transfer samples whose form differs from REST.

use async_graphql::{ComplexObject, SimpleObject};

use crate::model::{
    Instant,
    scalar::ByteCount,
    series::{self, SeriesMetric, SeriesPoint, SeriesStep},
    transfer::TransferSample,
};

/// The complexity of the points of a series: a tenth of their maximum number, since they are read with one statement.
pub(super) const POINTS: usize = 200;

/// The complexity of the history of an agent, in multiples of one point: a tenth of the maximum number of points.
pub(super) const HISTORY: usize = 144;

/// What happened in each minute, hour, day or month of a window.
#[derive(SimpleObject)]
pub(crate) struct Series {
    /// What is counted.
    metric: SeriesMetric,
    /// Length of the period that a point covers.
    step: SeriesStep,
    /// Points that end at this time or earlier do not change any more.
    final_until: Instant,
    /// Points in chronological order, each with two numbers: its start in Unix seconds, and its value. The value is
    /// null if nothing is known about the point, or if no transfer ended in it, so that there is no rate or average.
    points: Vec<Vec<Option<f64>>>,
    /// Points of the window that this one is compared with, in the same order; null unless `baseline` is true.
    baseline: Option<Vec<Vec<Option<f64>>>>,
}

impl From<series::Series> for Series {
    fn from(series: series::Series) -> Self {
        Self {
            metric: series.metric,
            step: series.step,
            final_until: series.final_until,
            points: pairs(&series.points),
            baseline: series.baseline.as_deref().map(pairs),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds, which a double holds exactly")]
fn pairs(points: &[SeriesPoint]) -> Vec<Vec<Option<f64>>> {
    points.iter().map(|point| vec![Some(point.at as f64), point.value]).collect()
}

#[ComplexObject]
impl TransferSample {
    /// Bytes copied so far in this attempt.
    async fn bytes_transferred(&self) -> ByteCount {
        ByteCount(self.bytes_transferred)
    }
}
