//! The pages of the menu, with their keys.

use crate::session::{Permission, Viewer};

/// A page of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) address: String,
    pub(crate) name: &'static str,
    pub(crate) icon: &'static str,
    /// The key after `g`.
    pub(crate) key: char,
}

/// The pages that a user has in the menu, in its order.
pub(crate) fn destinations(viewer: &Viewer) -> Vec<Destination> {
    let page = |address: &str, name, icon, key| Destination { address: address.to_owned(), name, icon, key };
    let mut pages = vec![
        page("/", "Overview", "live", 'o'),
        page("/transfers", "Transfers", "transfers", 't'),
        page("/jobs", "Jobs", "jobs", 'j'),
        page("/pipelines", "Pipelines", "pipelines", 'p'),
        page("/agents", "Agents", "agents", 'a'),
        page("/activity", "Activity", "activity", 'y'),
    ];
    if let Some(id) = &viewer.customer_id {
        pages.push(page(&format!("/customers/{id}"), "Enrolment codes", "key", 'e'));
    }
    if viewer.role.has(Permission::ListCustomers) {
        pages.push(page("/customers", "Customers", "customers", 'c'));
    }
    if viewer.role.has(Permission::ViewUsers) {
        pages.push(page("/users", "Users", "users", 'u'));
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::ViewerRole;

    fn names(role: ViewerRole, customer_id: Option<&str>) -> Vec<&'static str> {
        let viewer = Viewer { email: "a@b".to_owned(), role, customer_id: customer_id.map(str::to_owned) };
        destinations(&viewer).into_iter().skip(6).map(|page| page.name).collect()
    }

    #[test]
    fn each_role_has_its_pages() {
        assert_eq!(names(ViewerRole::Admin, None), ["Customers", "Users"]);
        assert_eq!(names(ViewerRole::Customer, Some("c1")), ["Enrolment codes"]);
    }

    #[test]
    fn each_key_leads_to_one_page() {
        let viewer = Viewer { email: String::new(), role: ViewerRole::Admin, customer_id: Some("c1".to_owned()) };
        let pages = destinations(&viewer);
        let keys: std::collections::BTreeSet<char> = pages.iter().map(|page| page.key).collect();
        assert_eq!(keys.len(), pages.len());
    }
}
