//! The enums of copy rules.

use super::{schema, schema_enum::schema_enum};

mftplus_protocol::contract_enum!(OnExists, schema_enum);
mftplus_protocol::contract_enum!(SymlinkRule, schema_enum);
mftplus_protocol::contract_enum!(OnFileError, schema_enum);
mftplus_protocol::contract_enum!(PreservedAttribute, schema_enum);
mftplus_protocol::contract_enum!(Verify, schema_enum);
