//! The order of a list as text: the name of a field, with `-` before it for descending order.

use std::str::FromStr;

use serde_json::Value;
use strum::VariantNames;

use super::field_reader::Check;

/// Reads the field to sort by, and whether the order is descending.
pub(super) fn parse<F: FromStr + VariantNames>(value: &Value) -> Check<(F, bool)> {
    let text = value.as_str().unwrap_or_default();
    let (is_descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
    match name.parse() {
        Ok(field) => Ok((field, is_descending)),
        Err(_) => Err(format!("must be one of {}, with `-` before it for descending order", F::VARIANTS.join(", "))),
    }
}
