//! Parses and writes numbers as users type them. JavaScript functions are used, because the standard library's code for
//! fractions brings large tables.

use wasm_bindgen::JsValue;

/// Parses a number that the user has typed. `None` unless the whole text is a number: `2,5` is not read as 2.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    // JavaScript reads an empty text as 0.
    let number = f64::try_from(JsValue::from_str(text)).ok().filter(|_| !text.is_empty())?;
    number.is_finite().then_some(number)
}

/// Parses a whole number that the user has typed. Forms that browsers allow in number fields are accepted, such as
/// `1e3`.
pub(crate) fn whole_number(text: &str) -> Option<i32> {
    let number = number(text).filter(|number| number.fract() == 0.0 && number.abs() < f64::from(i32::MAX))?;
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let whole = number as i32;
    Some(whole)
}

/// Writes a number with all its digits, as a user could type it: `1.125`.
pub(crate) fn number_text(number: f64) -> String {
    js_sys::Number::from(number).to_string_with_radix(10).map(String::from).unwrap_or_default()
}
