//! The filters of the list of transfers, and their form in the URL. Pure.

use std::fmt::Write;

use crate::{
    api::transfers::{TransferFilter, TransferStatus},
    labels::{DIRECTIONS, PROTOCOLS, TRANSFER_STATUSES, name_of, value_of},
    time::Instant,
};

/// A filter that is one value of a table of labels.
pub(super) struct Choice {
    /// The name of the parameter in the URL.
    parameter: &'static str,
    pub(super) label: &'static str,
    /// The names of the values with their labels.
    pub(super) options: fn() -> Vec<(&'static str, &'static str)>,
    /// The name of the chosen value; empty for any.
    pub(super) chosen: fn(&TransferFilter) -> &'static str,
    /// Chooses a value by its name; any other text is any value.
    pub(super) choose: fn(&mut TransferFilter, &str),
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

/// The names of a table with their labels.
fn options<T>(table: &[(T, &'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    table.iter().map(|(_, name, label)| (*name, *label)).collect()
}

/// The filters and the page number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filters {
    pub(super) status: Vec<TransferStatus>,
    pub(super) agent: String,
    /// The chosen values of [`CHOICES`]; the other fields are empty.
    pub(super) chosen: TransferFilter,
    /// The first day, such as `2026-01-31`; empty for any.
    pub(super) from: String,
    /// The last day, such as `2026-01-31`; empty for any.
    pub(super) to: String,
    /// The beginning of a file name.
    pub(super) search: String,
    /// The page number, counted from 1.
    pub(super) page: i32,
}

impl Filters {
    /// Reads the parameters of a URL. Invalid ones are ignored.
    pub(super) fn read(parameter: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| parameter(name).unwrap_or_default();
        let mut chosen = TransferFilter::default();
        for choice in CHOICES {
            (choice.choose)(&mut chosen, &text(choice.parameter));
        }
        Self {
            status: text("status").split(',').filter_map(|word| value_of(&TRANSFER_STATUSES, word)).collect(),
            agent: text("agent"),
            chosen,
            from: text("from"),
            to: text("to"),
            search: text("q"),
            page: text("page").parse().unwrap_or(1).max(1),
        }
    }

    /// The address with these filters.
    pub(super) fn address(&self) -> String {
        let status: Vec<_> = self.status.iter().map(|status| name_of(&TRANSFER_STATUSES, status)).collect();
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let mut parameters = vec![("status", status.join(",")), ("agent", self.agent.clone())];
        parameters.extend(CHOICES.iter().map(|choice| (choice.parameter, (choice.chosen)(&self.chosen).to_owned())));
        parameters.extend([
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("q", self.search.clone()),
            ("page", page),
        ]);
        let mut address = "/transfers".to_owned();
        let mut separator = '?';
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            // Writing to a string cannot fail.
            let _ = write!(address, "{separator}{name}={}", encode(value));
            separator = '&';
        }
        address
    }

    /// Whether no filter is set.
    pub(super) fn is_any(&self) -> bool {
        Self { page: 1, ..self.clone() } == Self::read(|_| None)
    }

    /// The filter of the query. `midnight` returns the beginning of a local day, moved by some days.
    pub(super) fn for_query(&self, midnight: impl Fn(&str, i64) -> Option<Instant>) -> TransferFilter {
        TransferFilter {
            status: (!self.status.is_empty()).then(|| self.status.clone()),
            agent_id: (!self.agent.is_empty()).then(|| cynic::Id::new(&self.agent)),
            created_after: midnight(&self.from, 0),
            created_before: midnight(&self.to, 1),
            search: (!self.search.is_empty()).then(|| self.search.clone()),
            ..self.chosen.clone()
        }
    }
}

fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Filters {
        let query = address.split_once('?').map(|(_, query)| query).unwrap_or_default().to_owned();
        Filters::read(|name| {
            query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(str::to_owned)
        })
    }

    #[test]
    fn an_address_survives_the_round_trip() {
        let address = "/transfers?status=failed,running&agent=a1&protocol=sftp&direction=push&from=2026-01-01&to=2026-01-31&q=orders&page=3";
        assert_eq!(read(address).address(), address);
        assert_eq!(read("/transfers").address(), "/transfers");
    }

    #[test]
    fn invalid_parameters_are_ignored() {
        assert_eq!(read("/transfers?status=gone&protocol=x&page=-3").address(), "/transfers");
    }

    #[test]
    fn a_page_alone_is_no_filter() {
        assert!(read("/transfers?page=4").is_any());
        assert!(!read("/transfers?q=a").is_any());
    }

    #[test]
    fn text_is_encoded() {
        let filters = Filters { search: "a b&c/ä".to_owned(), ..read("/transfers") };
        assert_eq!(filters.address(), "/transfers?q=a%20b%26c%2F%C3%A4");
    }

    #[test]
    fn the_last_day_is_included() {
        let filter = read("/transfers?from=2026-01-01&to=2026-01-01&status=failed")
            .for_query(|day, later| (!day.is_empty()).then_some(Instant(later)));
        assert_eq!((filter.created_after, filter.created_before), (Some(Instant(0)), Some(Instant(1))));
        assert_eq!(filter.status, Some(vec![TransferStatus::Failed]));
        assert_eq!(filter.search, None);
    }
}
