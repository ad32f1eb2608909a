//! The card with the last transfers of the same file by the same agent.

use leptos::prelude::*;

use crate::{
    api::{
        Page, object_search,
        transfers::{self, Transfer, TransferFilter},
    },
    base_path::href,
    labels,
    live::Entry,
    reactive_query::Fetch,
    ui::{Badge, Card, Column, Ellipsis, Table, Time},
};

/// The number of earlier transfers that are shown.
const SHOWN: usize = 5;
/// The number of transfers that are searched.
const SEARCHED: i32 = 20;
/// The maximum number of characters in a search of the server.
const MOST: usize = 255;

const COLUMNS: [Column; 5] = [
    Column::text("Destination", 34),
    Column::text("Status", 14),
    Column::text("Created", 24),
    Column::number("Duration", 14),
    Column::number("Speed", 14),
];

/// The card with the last transfers of the same source by the same agent; empty if there are none.
#[component]
pub(super) fn EarlierTransfers(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    let (id, agent, source, created) = row.with_untracked(|entry| {
        let transfer = &entry.object;
        (transfer.id.clone(), transfer.agent_id.clone(), transfer.source.clone(), transfer.created_at)
    });
    let found = Fetch::when(move || {
        let filter = TransferFilter {
            agent_id: Some(agent.clone()),
            created_before: Some(created),
            q: Some(searchable(&source)?),
            ..TransferFilter::default()
        };
        let (id, source) = (id.clone(), source.clone());
        // The search also finds parts of other paths and of errors.
        let is_same = move |transfer: &Transfer| transfer.source == source && transfer.id != id;
        let same = move |page: Page<Transfer>| page.items.into_iter().filter(&is_same).take(SHOWN).collect::<Vec<_>>();
        Some(transfers::list_some(filter, SEARCHED, 1).map(same))
    });
    let line = |transfer: Transfer| {
        let state = labels::transfer_state(&transfer);
        let address = format!("/transfers/{}", transfer.id.inner());
        view! {
            <tr>
                <td class="cell-main">
                    <Ellipsis text=transfer.destination.clone() href=href(address) />
                </td>
                <td class="cell-status" data-label="Status">
                    <Badge state=Signal::stored(state) />
                </td>
                <td class="cell-quiet" data-label="Created">
                    <Time at=transfer.created_at />
                </td>
                <td class="cell-number" data-label="Duration">
                    {labels::time_taken(&transfer)}
                </td>
                <td class="cell-number" data-label="Speed">
                    {labels::speed(&transfer)}
                </td>
            </tr>
        }
    };
    let shown = move || found.read(Clone::clone).filter(|transfers| !transfers.is_empty());
    move || {
        shown().map(|transfers| {
            let rows = transfers.into_iter().map(line).collect_view();
            view! {
                <Card title="The same file before">
                    <Table label="The same file before" columns=COLUMNS.to_vec()>
                        {rows}
                    </Table>
                </Card>
            }
        })
    }
}

/// The end of a path, of a length that the server can search for; `None` if the path is too short.
fn searchable(path: &str) -> Option<String> {
    let count = path.chars().count();
    (count >= object_search::LEAST).then(|| path.chars().skip(count.saturating_sub(MOST)).collect())
}

#[cfg(test)]
mod tests {
    use super::searchable;

    #[test]
    fn a_path_is_searched_by_its_end() {
        assert_eq!(searchable("/a"), None);
        assert_eq!(searchable("/ä/").as_deref(), Some("/ä/"));
        let long = format!("/{}/b.csv", "a".repeat(300));
        assert_eq!(searchable(&long).as_ref().map(String::len), Some(255));
        assert!(searchable(&long).is_some_and(|text| text.ends_with("/b.csv")));
    }
}
