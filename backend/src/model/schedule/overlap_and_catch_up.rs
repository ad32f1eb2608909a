//! The policies for slots that cannot run on time.

use crate::model::enum_macro::server_enum;

mftplus_protocol::contract_enum!(Overlap, server_enum);
mftplus_protocol::contract_enum!(CatchUp, server_enum);
