//! Reads and changes the loader script of the splitter, which says which pieces load which chunks.

use std::collections::BTreeMap;

use super::groups::Group;

/// The module from which merged chunks import the memory and the table.
pub(super) const MAIN: &str = "main";
/// The piece that most visits load first: what the page Overview loads after its own code.
const FIRST_PIECE: &str = "overview";
/// The beginning of the line that defines how a piece is loaded.
const PIECE: &str = "export const __wasm_split_load_";
/// The text before the list of chunks of a piece.
const CHUNKS: &str = ", [__chunk_";

/// The chunks that several pieces share, each in its own group, with the size 0. `None` if `script` is not a loader
/// script, or has more pieces than a group has bits.
pub(super) fn shared_chunks(script: &str) -> Option<Vec<Group>> {
    // The key is the number of the chunk.
    let mut pieces_of: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut piece, mut others) = (0, 0);
    for line in script.lines() {
        if let Some((name, _)) = line.strip_prefix(PIECE).and_then(|rest| rest.split_once(" = ")) {
            let bit = if name == FIRST_PIECE {
                0
            } else {
                others += 1;
                others
            };
            piece = 1_u64.checked_shl(bit)?;
        }
        let Some((_, chunks, _)) = chunks_in(line) else { continue };
        for chunk in chunks {
            *pieces_of.entry(chunk.strip_prefix("__chunk_")?.parse().ok()?).or_default() |= piece;
        }
    }
    let group = |(number, pieces): (u32, u64)| Group { chunks: vec![format!("chunk_{number}")], pieces, size: 0 };
    (piece != 0).then(|| pieces_of.into_iter().map(group).collect())
}

/// The script, changed to load one file for each group. `None` if `script` is not a loader script of the expected form.
pub(super) fn with_groups(script: &str, groups: &[Group]) -> Option<String> {
    let mut file_of: BTreeMap<&str, &str> = BTreeMap::new();
    for group in groups {
        let file = group.chunks.first()?.as_str();
        file_of.extend(group.chunks.iter().map(|chunk| (chunk.as_str(), file)));
    }
    let mut result = String::new();
    let (mut is_left_out, mut is_shared) = (false, false);
    for line in script.lines() {
        if let Some((chunk, _)) = line.strip_prefix("const __").and_then(|rest| rest.split_once(" = makeLoad(")) {
            is_left_out = *file_of.get(chunk)? != chunk;
        }
        if is_left_out {
            // The last line of the definition of a chunk. Its list is empty, because a chunk needs no other chunk.
            is_left_out = line != ", []);";
            continue;
        }
        // A comment of the splitter with the names of the pieces that load the next chunk.
        if line.starts_with("/* ") {
            continue;
        }
        if line.trim() == "return sharedImports;" {
            is_shared = true;
            result.push_str("    sharedImports.");
            result.push_str(MAIN);
            result.push_str(" = sharedImports.__wasm_split;\n");
        }
        match chunks_in(line) {
            Some((before, chunks, after)) => {
                let mut files = Vec::new();
                for chunk in chunks {
                    let file = *file_of.get(chunk.strip_prefix("__")?)?;
                    if !files.contains(&file) {
                        files.push(file);
                    }
                }
                result.push_str(before);
                result.push_str(", [__");
                result.push_str(&files.join(", __"));
                result.push_str(after);
            }
            None => result.push_str(line),
        }
        result.push('\n');
    }
    is_shared.then_some(result)
}

/// The chunks that a line lists, with the text before and after the list. `None` if the line lists no chunks.
fn chunks_in(line: &str) -> Option<(&str, impl Iterator<Item = &str>, &str)> {
    let start = line.find(CHUNKS)?;
    let (before, list) = line.split_at(start);
    let list = list.strip_prefix(", [")?;
    let (chunks, after) = list.split_at(list.find(']')?);
    Some((before, chunks.split(", "), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"import { initSync } from "./frontend.js";
function getSharedImports() {
    return sharedImports;
}
/* admin, jobs, overview */
const __chunk_3 = makeLoad(() => {
    const src = fetch(new URL("./chunk_3.wasm", import.meta.url));
}
, []);
/* admin, overview */
const __chunk_4 = makeLoad(() => {
    const src = fetch(new URL("./chunk_4.wasm", import.meta.url));
}
, []);
/* jobs, overview */
const __chunk_15 = makeLoad(() => {
    const src = fetch(new URL("./chunk_15.wasm", import.meta.url));
}
, []);
export const __wasm_split_load_overview = wrapAsyncCb(makeLoad(() => {
    const src = fetch(new URL("./split_overview.wasm", import.meta.url));
}
, [__chunk_3, __chunk_4, __chunk_15]));
export const __wasm_split_load_jobs = wrapAsyncCb(makeLoad(() => async (_imp) => ({}), [__chunk_3, __chunk_15]));
export const __wasm_split_load_admin = wrapAsyncCb(makeLoad(() => {
    const src = fetch(new URL("./split_admin.wasm", import.meta.url));
}
, [__chunk_3, __chunk_4]));
"#;

    fn group(chunks: &[&str], pieces: u64) -> Group {
        Group { chunks: chunks.iter().map(|&chunk| chunk.to_owned()).collect(), pieces, size: 0 }
    }

    #[test]
    fn the_script_says_which_pieces_share_a_chunk() {
        let found = shared_chunks(SCRIPT).unwrap();
        assert_eq!(found, [group(&["chunk_3"], 0b111), group(&["chunk_4"], 0b101), group(&["chunk_15"], 0b011)]);
        assert_eq!(shared_chunks("export const other = 1;"), None);
    }

    #[test]
    fn merged_chunks_are_one_file_in_the_script() {
        let groups = [group(&["chunk_4", "chunk_3"], 0b111), group(&["chunk_15"], 0b011)];
        let script = with_groups(SCRIPT, &groups).unwrap();
        let expected = r#"import { initSync } from "./frontend.js";
function getSharedImports() {
    sharedImports.main = sharedImports.__wasm_split;
    return sharedImports;
}
const __chunk_4 = makeLoad(() => {
    const src = fetch(new URL("./chunk_4.wasm", import.meta.url));
}
, []);
const __chunk_15 = makeLoad(() => {
    const src = fetch(new URL("./chunk_15.wasm", import.meta.url));
}
, []);
export const __wasm_split_load_overview = wrapAsyncCb(makeLoad(() => {
    const src = fetch(new URL("./split_overview.wasm", import.meta.url));
}
, [__chunk_4, __chunk_15]));
export const __wasm_split_load_jobs = wrapAsyncCb(makeLoad(() => async (_imp) => ({}), [__chunk_4, __chunk_15]));
export const __wasm_split_load_admin = wrapAsyncCb(makeLoad(() => {
    const src = fetch(new URL("./split_admin.wasm", import.meta.url));
}
, [__chunk_4]));
"#;
        assert_eq!(script, expected);
        assert_eq!(with_groups("let a = 1;\n", &groups), None);
        assert_eq!(with_groups(SCRIPT, &groups[..1]), None);
    }
}
