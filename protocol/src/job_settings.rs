//! The settings of a job that consist of one value each. Each is declared once.

/// Calls the macro `$macro` with the settings of a job, in braces, followed by the copy rules (see [`copy_rules!`]).
/// The server derives from this list the fields of a job in REST, GraphQL and events, the inputs of both APIs with the
/// code that reads them, and the code that applies an update to a stored job.
///
/// Each setting consists of its description, its name and its type, and of:
///
/// - `shown`: the attributes of the field in responses, for the OpenAPI document.
/// - `sent`: the attributes of the field in inputs, its name in REST, an optional alias (documented before `sent`), and
///   the server's function that checks the value.
/// - `default`, with a description: the value for a new job if the request has none. Settings in `defaulted` have it.
///
/// Two places list the settings again: the server's `store/jobs.rs` has the columns, and the dashboard's `api/jobs.rs`
/// has the fields, because its operations are derived from the syntax of Rust types. The dashboard's form of a job has
/// the controls.
///
/// [`copy_rules!`]: crate::copy_rules
#[macro_export]
macro_rules! job_settings {
    ($macro:ident) => {
        $crate::copy_rules! { $macro {
            required {
                /// Name of the job, 1 to 255 characters.
                name: String {
                    shown(example = "Daily backup")
                    sent(min_length = 1, max_length = 255) = "name", text(1, 255);
                }
                /// Source: a URL or a path, without a password.
                source: String {
                    shown(example = "/remote/backup/")
                    /// Alias: `source`.
                    sent(rename = "sourcePath", min_length = 1, max_length = 4096)
                        = "sourcePath" or "source", public_location;
                }
                /// Destination: a URL or a path, without a password.
                destination: String {
                    shown(example = "/local/backups/")
                    /// Alias: `destination`.
                    sent(rename = "destinationPath", min_length = 1, max_length = 4096)
                        = "destinationPath" or "destination", public_location;
                }
                /// Schedule: a cron expression of five fields, or @hourly, @daily, @weekly, @monthly or @yearly.
                schedule: String {
                    shown(example = "0 2 * * *")
                    sent(min_length = 1, max_length = 255) = "schedule", schedule_text;
                }
                /// Protocol of the copy.
                protocol: Protocol {
                    shown()
                    sent() = "protocol", one_of;
                }
                /// Direction of the copy.
                direction: Direction {
                    shown()
                    sent() = "direction", one_of;
                }
            }
            defaulted {
                /// IANA name of the schedule's time zone, such as `Africa/Johannesburg`.
                timezone: String {
                    shown(example = "UTC")
                    sent(min_length = 1, max_length = 64) = "timezone", text(1, 64);
                    /// Default: `UTC`.
                    default DEFAULT_TIMEZONE.to_owned();
                }
                /// What happens to a slot that is due while an earlier run is active.
                overlap: Overlap {
                    shown()
                    sent() = "overlap", one_of;
                    /// Default: the slot is skipped.
                    default Overlap::default();
                }
                /// What happens to slots that passed while no server was running.
                catch_up: CatchUp {
                    shown()
                    sent() = "catchUp", one_of;
                    /// Default: one run replaces those of the last 24 hours.
                    default CatchUp::default();
                }
            }
        } }
    };
}
