//! Pins what clients see of the crate: a change of a snapshot is a change of the published contract.

use std::collections::BTreeMap;

use mftplus_protocol::{
    archive::Format,
    error::{Code, ConflictReason},
    socket::{CloseCode, SUBPROTOCOL},
    step::StepType,
    wire,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The JSON of some words, each of which is its text, and is read again.
fn words<T: std::fmt::Display + Serialize + DeserializeOwned>(all: &[T]) -> Value {
    let word = |value: &T| {
        let written = json!(value);
        assert_eq!(written, json!(value.to_string()));
        let read = serde_json::from_value::<T>(written.clone());
        assert_eq!(read.map(|read| read.to_string()).ok(), Some(value.to_string()));
        written
    };
    all.iter().map(word).collect()
}

#[test]
fn the_contract_stays_as_it_is() {
    let agents: Vec<StepType> = StepType::ALL.iter().copied().filter(|step| step.is_for_an_agent()).collect();
    let contract = BTreeMap::from([
        ("agentStatuses", words(wire::AgentStatus::ALL)),
        ("archiveFormats", words(Format::ALL)),
        ("closeCodes", CloseCode::SENT.iter().map(|code| json!(code.0)).collect()),
        ("conflictReasons", words(ConflictReason::ALL)),
        ("directiveKinds", words(wire::DirectiveKind::ALL)),
        ("directions", words(wire::Direction::ALL)),
        ("errorCodes", words(Code::ALL)),
        ("protocols", words(wire::Protocol::ALL)),
        ("reportedStatuses", words(wire::ReportedStatus::ALL)),
        ("stepStatuses", words(wire::StepStatus::ALL)),
        ("stepTypes", words(&agents)),
        ("subprotocol", json!(SUBPROTOCOL)),
        ("transferStatuses", words(wire::TransferStatus::ALL)),
        ("verify", words(wire::Verify::ALL)),
    ]);
    let contract = serde_json::to_string_pretty(&contract).expect("JSON");
    insta::assert_snapshot!("contract", contract);
}
