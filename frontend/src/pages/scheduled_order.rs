//! The order of the lists of jobs and pipelines, and its form in the URL. Pure.

use crate::{
    api::scheduled_sort::{ScheduledSort, ScheduledSortField},
    labels::value_of,
};

/// The order if the URL has no parameter `sort`.
pub(super) const DEFAULT_ORDER: &str = "-createdAt";

/// The orders: value, name in URLs, label.
const ORDERS: [(ScheduledSortField, &str, &str); 2] =
    [(ScheduledSortField::CreatedAt, "createdAt", "Created"), (ScheduledSortField::NextRunAt, "nextRunAt", "Next run")];

/// The order that the parameter `sort` names, such as `nextRunAt`; `None` for the default.
pub(super) fn order(sort: Option<&str>) -> Option<ScheduledSort> {
    let sort = sort.filter(|sort| *sort != DEFAULT_ORDER)?;
    let (descending, name) = sort.strip_prefix('-').map_or((false, sort), |name| (true, name));
    Some(ScheduledSort { field: value_of(&ORDERS, name)?, descending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_with_its_direction() {
        let next = |descending| Some(ScheduledSort { field: ScheduledSortField::NextRunAt, descending });
        assert_eq!([order(Some("nextRunAt")), order(Some("-nextRunAt"))], [next(false), next(true)]);
        assert_eq!([order(None), order(Some(DEFAULT_ORDER)), order(Some("color"))], [None, None, None]);
    }
}
