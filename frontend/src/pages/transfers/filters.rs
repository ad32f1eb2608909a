//! The filters and the order of the list of transfers, and their form in the URL. Pure.

use crate::{
    api::transfers::{TransferFilter, TransferSort, TransferSortField, TransferStatus},
    labels::{DIRECTIONS, PROTOCOLS, TRANSFER_STATUSES, label_of, name_of, value_of},
    pages::list_url_parameters::api_path,
    time::{Instant, parse_day},
};

/// The minimum number of characters that can be searched for.
pub(super) const SHORTEST_SEARCH: usize = 3;
/// The order if the URL has no parameter `sort`.
pub(super) const DEFAULT_ORDER: &str = "-createdAt";

/// The orders: value, name in URLs, label.
const ORDERS: [(TransferSortField, &str, &str); 5] = [
    (TransferSortField::CreatedAt, "createdAt", "Created"),
    (TransferSortField::CompletedAt, "completedAt", "Ended"),
    (TransferSortField::Size, "size", "Size"),
    (TransferSortField::Duration, "duration", "Duration"),
    (TransferSortField::Speed, "speed", "Speed"),
];

/// The times within which transfers ended: hours, name in URLs, label.
const ENDED: [(i64, &str, &str); 3] =
    [(1, "1h", "Last hour"), (24, "24h", "Last 24 hours"), (7 * 24, "7d", "Last 7 days")];

/// A filter that is one value of a table of labels.
pub(super) struct Choice {
    /// The name of the parameter in the URL.
    pub(super) parameter: &'static str,
    pub(super) label: &'static str,
    /// The names of the values with their labels.
    pub(super) options: fn() -> Vec<(&'static str, &'static str)>,
    /// The name of the chosen value; empty for any.
    pub(super) chosen: fn(&TransferFilter) -> &'static str,
    /// Sets the value with this name. Any other text removes the filter.
    choose: fn(&mut TransferFilter, &str),
}

/// The filters that are one value each, in the order of the form.
pub(super) const CHOICES: &[Choice] = &[
    Choice {
        parameter: "protocol",
        label: "Protocol",
        options: || options(&PROTOCOLS),
        chosen: |filter| filter.protocol.map_or("", |protocol| name_of(&PROTOCOLS, &protocol)),
        choose: |filter, name| filter.protocol = value_of(&PROTOCOLS, name),
    },
    Choice {
        parameter: "direction",
        label: "Direction",
        options: || options(&DIRECTIONS),
        chosen: |filter| filter.direction.map_or("", |direction| name_of(&DIRECTIONS, &direction)),
        choose: |filter, name| filter.direction = value_of(&DIRECTIONS, name),
    },
];

/// The times within which transfers ended, by their names in URLs, with their labels.
pub(super) fn ended_options() -> Vec<(&'static str, &'static str)> {
    options(&ENDED)
}

/// The names of a table with their labels.
fn options<T>(table: &[(T, &'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    table.iter().map(|(_, name, label)| (*name, *label)).collect()
}

/// A filter that is set. The form shows it as a chip with a button that removes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ActiveFilter {
    /// The name of the parameter in the URL.
    pub(super) parameter: &'static str,
    pub(super) label: &'static str,
    /// The value as text; for an agent, the id.
    pub(super) value: String,
}

/// The filters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filters {
    pub(super) status: Vec<TransferStatus>,
    /// Whether only stalled transfers are wanted.
    pub(super) is_stalled: bool,
    pub(super) agent: String,
    /// The chosen values of [`CHOICES`]; the other fields are empty.
    pub(super) chosen: TransferFilter,
    /// The first day, such as `2026-01-31`; empty for any.
    pub(super) from: String,
    /// The last day, such as `2026-01-31`; empty for any.
    pub(super) to: String,
    /// Within how many hours before now the transfers ended.
    ended: Option<i64>,
    /// A part of a path or an error; empty for any.
    search: String,
}

impl Filters {
    /// Reads the parameters of a URL. Invalid ones are ignored.
    pub(super) fn read(parameter: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| parameter(name).unwrap_or_default();
        let mut chosen = TransferFilter::default();
        for choice in CHOICES {
            (choice.choose)(&mut chosen, &text(choice.parameter));
        }
        let search = text("q").trim().to_owned();
        let words = text("status");
        let is_chosen = |(_, word, _): &(TransferStatus, &str, &str)| words.split(',').any(|chosen| chosen == *word);
        let day = |name| Some(text(name)).filter(|day| parse_day(day).is_some()).unwrap_or_default();
        Self {
            // Each status occurs once, because the export has one part for each status.
            status: TRANSFER_STATUSES.into_iter().filter(is_chosen).map(|(status, ..)| status).collect(),
            is_stalled: text("stalled") == "true",
            agent: text("agent"),
            chosen,
            from: day("from"),
            to: day("to"),
            ended: value_of(&ENDED, &text("ended")),
            search: if search.chars().count() < SHORTEST_SEARCH { String::new() } else { search },
        }
    }

    /// The filters without the statuses.
    pub(super) fn without_statuses(&self) -> Self {
        Self { status: Vec::new(), ..self.clone() }
    }

    /// Whether no filter is set.
    pub(super) fn is_any(&self) -> bool {
        *self == Self::read(|_| None)
    }

    /// The statuses in the form of the URL, after `toggled` is added or, if it is chosen already, removed.
    pub(super) fn toggle_status(&self, toggled: TransferStatus) -> String {
        let is_chosen = |status: &TransferStatus| self.status.contains(status) != (*status == toggled);
        let chosen = TRANSFER_STATUSES.iter().filter(|(status, ..)| is_chosen(status));
        chosen.map(|(_, name, _)| *name).collect::<Vec<_>>().join(",")
    }

    /// The name of the time within which the transfers ended; empty for any.
    pub(super) fn ended_name(&self) -> &'static str {
        self.ended.map_or("", |hours| name_of(&ENDED, &hours))
    }

    /// The filters that are set, without the search, the statuses and `stalled`, which always have a control on the
    /// page.
    pub(super) fn active(&self) -> Vec<ActiveFilter> {
        let filter = |parameter, label, value: &str| ActiveFilter { parameter, label, value: value.to_owned() };
        let mut active = vec![filter("agent", "Agent", &self.agent)];
        for choice in CHOICES {
            let name = (choice.chosen)(&self.chosen);
            let value = (choice.options)().into_iter().find(|(known, _)| *known == name).map_or("", |(_, label)| label);
            active.push(filter(choice.parameter, choice.label, value));
        }
        active.push(filter("from", "Created from", &self.from));
        active.push(filter("to", "Created until", &self.to));
        active.push(filter("ended", "Ended", self.ended.map_or("", |hours| label_of(&ENDED, &hours))));
        active.retain(|filter| !filter.value.is_empty());
        active
    }

    /// The filter of the GraphQL query. `midnight` returns the beginning of the local day that is some days after a
    /// day.
    pub(super) fn for_query(&self, now: Instant, midnight: impl Fn(&str, i64) -> Option<Instant>) -> TransferFilter {
        TransferFilter {
            status: (!self.status.is_empty()).then(|| self.status.clone()),
            stalled: self.is_stalled.then_some(true),
            agent_id: (!self.agent.is_empty()).then(|| cynic::Id::new(&self.agent)),
            created_after: midnight(&self.from, 0),
            created_before: midnight(&self.to, 1),
            completed_after: self.ended_after(now),
            q: (!self.search.is_empty()).then(|| self.search.clone()),
            ..self.chosen.clone()
        }
    }

    fn ended_after(&self, now: Instant) -> Option<Instant> {
        self.ended.map(|hours| Instant(now.0 - hours * 3_600_000))
    }
}

impl Filters {
    /// The paths of the REST API that together export the transfers of these filters, one after the other. There is one
    /// path for each status, because the API accepts only one.
    pub(super) fn api_paths(
        &self,
        sort: Option<&str>,
        now: Instant,
        midnight: impl Fn(&str, i64) -> Option<Instant>,
    ) -> Vec<String> {
        let day = |day: &str, later| midnight(day, later).map(|at| at.to_string()).unwrap_or_default();
        let choice = |place: usize| CHOICES.get(place).map_or("", |choice| (choice.chosen)(&self.chosen)).to_owned();
        let path = |status: &str| {
            api_path(
                "/api/transfers",
                &[
                    ("status", status.to_owned()),
                    ("stalled", if self.is_stalled { "true".to_owned() } else { String::new() }),
                    ("agentId", self.agent.clone()),
                    ("protocol", choice(0)),
                    ("direction", choice(1)),
                    ("createdAfter", day(&self.from, 0)),
                    ("createdBefore", day(&self.to, 1)),
                    ("completedAfter", self.ended_after(now).map(|at| at.to_string()).unwrap_or_default()),
                    ("q", self.search.clone()),
                    ("sort", sort.filter(|sort| order(Some(*sort)).is_some()).unwrap_or_default().to_owned()),
                ],
            )
        };
        if self.status.is_empty() {
            return vec![path("")];
        }
        self.status.iter().map(|status| path(name_of(&TRANSFER_STATUSES, status))).collect()
    }
}

/// The order that the parameter `sort` names, such as `-size`; `None` for the default.
pub(super) fn order(sort: Option<&str>) -> Option<TransferSort> {
    let sort = sort.filter(|sort| *sort != DEFAULT_ORDER)?;
    let (descending, name) = sort.strip_prefix('-').map_or((false, sort), |name| (true, name));
    Some(TransferSort { field: value_of(&ORDERS, name)?, descending })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Filters {
        Filters::read(|name| {
            query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(str::to_owned)
        })
    }

    #[test]
    fn invalid_parameters_are_ignored() {
        assert!(read("status=gone&protocol=x&page=-3&stalled=1").is_any());
        assert!(read("from=soon&to=2026-02-30T00:00").is_any());
        assert_eq!(read("status=failed,gone,failed").status, [TransferStatus::Failed]);
    }

    #[test]
    fn a_short_search_is_no_filter() {
        assert!(read("q=ab&page=4&rows=50").is_any());
        assert!(!read("q=abc").is_any());
    }

    #[test]
    fn a_status_is_chosen_and_removed() {
        assert_eq!(read("status=failed").toggle_status(TransferStatus::Running), "running,failed");
        assert_eq!(read("status=failed,running").toggle_status(TransferStatus::Running), "failed");
        assert_eq!(read("status=failed").toggle_status(TransferStatus::Failed), "");
    }

    #[test]
    fn without_statuses_the_other_filters_stay() {
        let others = read("status=failed&q=orders&stalled=true").without_statuses();
        assert_eq!(others, read("q=orders&stalled=true"));
    }

    #[test]
    fn filters_that_are_set_have_their_labels() {
        let active = read("agent=a1&protocol=sftp&to=2026-01-31&status=failed&q=orders").active();
        let shown: Vec<_> = active.iter().map(|filter| (filter.label, filter.value.as_str())).collect();
        assert_eq!(shown, [("Agent", "a1"), ("Protocol", "SFTP"), ("Created until", "2026-01-31")]);
    }

    #[test]
    fn the_last_day_is_included() {
        let filter = read("from=2026-01-01&to=2026-01-01&status=failed&stalled=true")
            .for_query(Instant(0), |day, later| (!day.is_empty()).then_some(Instant(later)));
        assert_eq!((filter.created_after, filter.created_before), (Some(Instant(0)), Some(Instant(1))));
        assert_eq!(filter.status, Some(vec![TransferStatus::Failed]));
        assert_eq!((filter.stalled, filter.q), (Some(true), None));
    }

    #[test]
    fn the_end_is_within_a_time_before_now() {
        let filters = read("status=failed&ended=24h");
        let now = Instant(90_000_000);
        assert_eq!(filters.for_query(now, |_, _| None).completed_after, Some(Instant(3_600_000)));
        let path = "/api/transfers?status=failed&completedAfter=1970-01-01T01%3A00%3A00.000Z";
        assert_eq!(filters.api_paths(None, now, |_, _| None), [path]);
        let active: Vec<_> = filters.active().into_iter().map(|filter| (filter.label, filter.value)).collect();
        assert_eq!(active, [("Ended", "Last 24 hours".to_owned())]);
        assert_eq!((filters.ended_name(), read("ended=2d").ended_name()), ("24h", ""));
    }

    #[test]
    fn an_export_has_the_filters_and_the_order_of_the_list() {
        let day = |day: &str, _| (!day.is_empty()).then_some(Instant(0));
        let filters = read("status=running,failed&protocol=sftp&from=1970-01-01&q=orders");
        let rest = "protocol=sftp&createdAfter=1970-01-01T00%3A00%3A00.000Z&q=orders&sort=-size";
        let paths = ["running", "failed"].map(|status| format!("/api/transfers?status={status}&{rest}"));
        assert_eq!(filters.api_paths(Some("-size"), Instant(0), day), paths);
        assert_eq!(read("").api_paths(Some("color"), Instant(0), day), ["/api/transfers"]);
    }

    #[test]
    fn an_order_is_read_with_its_direction() {
        let by_size = |descending| Some(TransferSort { field: TransferSortField::Size, descending });
        assert_eq!([order(Some("size")), order(Some("-size"))], [by_size(false), by_size(true)]);
        assert_eq!([order(None), order(Some(DEFAULT_ORDER)), order(Some("color"))], [None, None, None]);
    }
}
