//! The names of credentials and endpoints. The rule is that of the contract, so that every name that a job may use can
//! be configured. Names are compared without regard to case, because they replace the host in URLs.

use std::collections::BTreeMap;

use mftplus_protocol::copy_rules::is_config_name;

/// The table with this name, and its name as written in the file; `None` if there is none.
pub(super) fn find<'a, T>(tables: &'a BTreeMap<String, T>, name: &str) -> Option<(&'a str, &'a T)> {
    tables.iter().find(|(own, _)| is_same(own, name)).map(|(own, table)| (own.as_str(), table))
}

pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Checks the form of `name`, and that no other of `tables` has the same name in another case.
pub(super) fn check<T>(tables: &BTreeMap<String, T>, name: &str) -> Result<(), &'static str> {
    if !is_config_name(name) {
        return Err("a name has 1 to 64 letters from a to z, digits and `-._`, and begins with a letter or digit");
    }
    if tables.keys().filter(|other| is_same(other, name)).count() > 1 {
        return Err("another table has the same name; upper and lower case make no difference");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{check, find};

    fn tables(names: &[&str]) -> BTreeMap<String, usize> {
        names.iter().enumerate().map(|(index, name)| ((*name).to_owned(), index)).collect()
    }

    #[test]
    fn a_table_is_found_in_upper_and_lower_case() {
        let tables = tables(&["Partner", "bank"]);
        for (name, found) in
            [("partner", Some(("Partner", &0))), ("BANK", Some(("bank", &1))), ("bank1", None), ("", None)]
        {
            assert_eq!(find(&tables, name), found, "{name}");
        }
    }

    #[test]
    fn every_name_that_a_job_may_have_is_allowed_once() {
        let tables = tables(&["Partner", "edge-1.orders_EU", "bank", "BANK"]);
        for name in ["Partner", "edge-1.orders_EU"] {
            assert_eq!(check(&tables, name), Ok(()), "{name}");
        }
        for name in ["A b", "-a", "é", &"a".repeat(65), "bank", "BANK"] {
            assert!(check(&tables, name).is_err(), "{name}");
        }
    }
}
