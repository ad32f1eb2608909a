//! The transfer details, such as the checksum: fields of a transfer's current attempt that are shown as they are
//! stored. Each is declared once.

use serde::{Deserialize, Serialize};

/// Calls the macro `$macro` with the transfer details. This list is their only declaration. Derived from it are
/// `TransferDetails`, which the state of a transfer and the reports of agents contain; the fields in REST, GraphQL and
/// events; the report in the OpenAPI document and the code that reads it; the columns of the table and of the CSV
/// export; and the fields that the dashboard selects.
///
/// Each detail consists of its description in both APIs, its name in Rust, its type (`String`, `bool` or `f64`), and
/// its name in JSON. It is optional, and a new attempt begins without it.
///
/// - `shown`: the attributes of the field in responses, for the OpenAPI document.
/// - `reported`, if agents report the detail: the description and attributes of the field in reports, its name, and the
///   method of the server's `Fields` that reads it. Without `reported`, the server sets the detail.
#[macro_export]
macro_rules! transfer_details {
    ($macro:ident) => {
        $macro! {
            /// Code of the reason for the failure, such as `quotaExceeded`.
            error_code: String = "errorCode" {
                shown(required, pattern = "^[A-Za-z]{1,64}$", example = "quotaExceeded");
                /// Code of the reason for the failure: one of the documented codes, or another one of 1 to 64 letters. Null
                /// removes it.
                reported(value_type = Option<String>, pattern = "^[A-Za-z]{1,64}$", example = "quotaExceeded")
                    error_code = clearable("errorCode", &[], failure_code);
            }
            /// SHA-256 of the copied data as hexadecimal digits; of a folder, of the sorted list of its files.
            checksum_sha256: String = "checksumSha256" {
                shown(required, pattern = "^[0-9a-f]{64}$");
                /// SHA-256 of the copied data as hexadecimal digits. Null removes it.
                reported(value_type = Option<String>, pattern = "^[0-9a-fA-F]{64}$")
                    checksum_sha256 = clearable("checksumSha256", &[], sha256_hex);
            }
        }
    };
}

macro_rules! details {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal $rest:tt)+) => {
        /// The details of a transfer, as the server stores them and as agents report them. Unknown details are absent
        /// in JSON.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct TransferDetails {
            $(
                $(#[$text])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )+
        }
    };
}

transfer_details!(details);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_that_are_not_known_are_absent_and_may_be_read_as_null() {
        let known = json!({ "checksumSha256": "ab" });
        let details: TransferDetails = serde_json::from_value(known.clone()).expect("details");
        assert_eq!(details.checksum_sha256.as_deref(), Some("ab"));
        assert_eq!(json!(details), known);
        let unknown: TransferDetails = serde_json::from_value(json!({ "checksumSha256": null })).expect("details");
        assert_eq!(unknown, TransferDetails::default());
        assert_eq!(json!(unknown), json!({}));
    }
}
