//! The settings of a job that are one value each, each declared once.

/// Calls a macro with the settings of a job, in braces, followed by the rules of its copy (see [`copy_rules!`]). This list
/// is their only declaration in the server. Follow from it: the view in REST, GraphQL and events; the inputs of both APIs
/// with their readers; and what a change does to a stored job.
///
/// Each has a text, which is its description everywhere, a name and a type.
///
/// - `shown` has the attributes of the field of the view in the OpenAPI document.
/// - `sent` has those of the field of the inputs, its name in REST, perhaps an alias (the text before `sent` says so), and
///   the server's check.
/// - `default`, with its text, is the value of a new job for which none is sent. A setting without it is required.
///
/// The columns are in the server's `store/jobs.rs`. The dashboard's operations are derived from the syntax of types, so
/// `api/jobs.rs` there lists the settings again; their controls are in its form of a job.
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
