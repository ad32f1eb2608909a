//! Pins what clients see of the crate: a change of a snapshot is a change of the published contract.

use std::collections::BTreeMap;

use mftplus_protocol::{
    archive::Format,
    copy_rules::{OnExists, OnFileError, PreservedAttribute, SymlinkRule},
    error_code::{Code, ConflictReason},
    failure_code::FailureCode,
    socket::{CloseCode, SUBPROTOCOL},
    step::StepType,
    wire,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The values in JSON. Checks that each is written as its text, and that the text is read as the value.
fn names<T: std::fmt::Display + Serialize + DeserializeOwned>(all: &[T]) -> Value {
    let name = |value: &T| {
        let written = json!(value);
        assert_eq!(written, json!(value.to_string()));
        let read = serde_json::from_value::<T>(written.clone());
        assert_eq!(read.map(|read| read.to_string()).ok(), Some(value.to_string()));
        written
    };
    all.iter().map(name).collect()
}

#[test]
fn the_contract_stays_as_it_is() {
    let agents: Vec<StepType> = StepType::ALL.iter().copied().filter(|step| step.is_for_an_agent()).collect();
    let contract = BTreeMap::from([
        ("agentStatuses", names(wire::AgentStatus::ALL)),
        ("archiveFormats", names(Format::ALL)),
        ("closeCodes", CloseCode::SENT.iter().map(|code| json!(code.0)).collect()),
        ("conflictReasons", names(ConflictReason::ALL)),
        ("directiveKinds", names(wire::DirectiveKind::ALL)),
        ("directions", names(wire::Direction::ALL)),
        ("errorCodes", names(Code::ALL)),
        ("failureCodes", names(FailureCode::ALL)),
        ("onExists", names(OnExists::ALL)),
        ("onFileError", names(OnFileError::ALL)),
        ("preservedAttributes", names(PreservedAttribute::ALL)),
        ("protocols", names(wire::Protocol::ALL)),
        ("reportedStatuses", names(wire::ReportedStatus::ALL)),
        ("stepStatuses", names(wire::StepStatus::ALL)),
        ("stepTypes", names(&agents)),
        ("subprotocol", json!(SUBPROTOCOL)),
        ("symlinkRules", names(SymlinkRule::ALL)),
        ("transferStatuses", names(wire::TransferStatus::ALL)),
        ("verify", names(wire::Verify::ALL)),
    ]);
    let contract = serde_json::to_string_pretty(&contract).expect("JSON");
    insta::assert_snapshot!("contract", contract);
}
