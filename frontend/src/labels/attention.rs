//! Labels of attention items. Pure.

use crate::{
    api::attention::{AttentionActionType, AttentionItem, AttentionKind, AttentionSeverity},
    format,
    ui::Tone,
};

/// The maximum number of objects that an action changes.
const MOST_CHANGED: i32 = 500;

/// The label, the icon and the tone of a severity.
pub(crate) fn severity(severity: AttentionSeverity) -> (&'static str, &'static str, Tone) {
    match severity {
        AttentionSeverity::Critical => ("Critical", "critical", Tone::Bad),
        AttentionSeverity::Warning => ("Warning", "warning", Tone::Warn),
        AttentionSeverity::Notice => ("Notice", "notice", Tone::Neutral),
    }
}

/// The label of the button with the action of an item: `Retry 9`.
pub(crate) fn action(action: AttentionActionType, count: i32) -> String {
    let count = format::count(count.min(MOST_CHANGED).into());
    match action {
        AttentionActionType::RetryTransfers => format!("Retry {count}"),
        AttentionActionType::CancelTransfers => format!("Cancel {count}"),
        AttentionActionType::RerunPipelineRun => "Rerun from failed step".to_owned(),
        AttentionActionType::RunJob | AttentionActionType::RunPipeline => "Run now".to_owned(),
    }
}

/// Whether the time of an item is when keys or certificates expire. Otherwise it is when the problem began.
pub(crate) fn is_about_an_end(kind: AttentionKind) -> bool {
    matches!(kind, AttentionKind::CertificateExpires | AttentionKind::KeyExpires)
}

/// The cause of an item; `None` if the item's summary contains the cause.
pub(crate) fn other_cause(item: &AttentionItem) -> Option<String> {
    item.cause.clone().filter(|cause| !item.summary.contains(cause.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_says_how_many_it_changes() {
        assert_eq!(action(AttentionActionType::RetryTransfers, 9), "Retry 9");
        assert_eq!(action(AttentionActionType::CancelTransfers, 1234), "Cancel 500");
    }
}
