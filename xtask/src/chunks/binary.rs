//! Reads and writes the parts of the WebAssembly binary format that merging chunks needs. The splitter lets all chunks
//! import the memory, the table and the stack pointer of the main file, and gives each chunk its own range of the table
//! and of the memory.

use std::collections::BTreeMap;

const HEADER: &[u8] = b"\0asm\x01\0\0\0";
/// The module from which the splitter lets chunks import the memory and the table.
pub(super) const SHARED: &str = "__wasm_split";

// The numbers of sections in the binary format.
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
const ELEMENTS: u8 = 9;
const CODE: u8 = 10;
const DATA: u8 = 11;

// The numbers of the kinds of imports.
const TABLE: u8 = 1;
const MEMORY: u8 = 2;
const GLOBAL: u8 = 3;

/// An import, without its module and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    kind: u8,
    /// The encoded type.
    ty: Vec<u8>,
}

/// The size of a chunk's functions and data in bytes. `None` if `wasm` is not WebAssembly.
pub(super) fn size(wasm: &[u8]) -> Option<u64> {
    let sections = sections(wasm)?;
    let size: usize =
        sections.iter().filter(|(id, _)| [CODE, DATA].contains(id)).map(|(_, content)| content.len()).sum();
    u64::try_from(size).ok()
}

/// The imports of a chunk, by name. `None` if it has an import that chunks do not share, or is not WebAssembly.
pub(super) fn imports(wasm: &[u8]) -> Option<BTreeMap<String, Import>> {
    let mut imports = BTreeMap::new();
    for (id, content) in sections(wasm)? {
        if id != IMPORTS {
            continue;
        }
        let mut reader = Reader(content);
        for _ in 0..reader.number()? {
            if reader.block()? != SHARED.as_bytes() {
                return None;
            }
            let name = String::from_utf8(reader.block()?.to_vec()).ok()?;
            let kind = reader.byte()?;
            let ty = reader.taken(|reader| match kind {
                TABLE => reader.byte().and_then(|_| reader.limits()),
                MEMORY => reader.limits(),
                GLOBAL => reader.take(2).and(Some(())),
                _ => None,
            })?;
            imports.insert(name, Import { kind, ty: ty.to_vec() });
        }
    }
    Some(imports)
}

/// A WebAssembly file that imports `imports` from `module` and exports them again. When it is merged with chunks that
/// import from it, the result imports one memory and one table. Without it, the result would import them once for each
/// chunk.
pub(super) fn re_exports(imports: &BTreeMap<String, Import>, module: &str) -> Vec<u8> {
    let (mut imported, mut exported) = (number(imports.len()), number(imports.len()));
    let mut next: BTreeMap<u8, usize> = BTreeMap::new();
    for (name, Import { kind, ty }) in imports {
        imported.extend(block(module.as_bytes()));
        imported.extend(block(name.as_bytes()));
        imported.push(*kind);
        imported.extend(ty);
        let index = next.entry(*kind).or_default();
        exported.extend(block(name.as_bytes()));
        exported.push(*kind);
        exported.extend(number(*index));
        *index += 1;
    }
    let mut wasm = HEADER.to_vec();
    for (id, content) in [(IMPORTS, imported), (EXPORTS, exported)] {
        wasm.push(id);
        wasm.extend(block(&content));
    }
    wasm
}

/// The main file without the element segments that contain only nulls. The splitter adds them to reserve ranges of the
/// table for chunks, but table entries are null anyway. `None` if the file has segments of another form.
pub(super) fn without_null_segments(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut result = HEADER.to_vec();
    for (id, content) in sections(wasm)? {
        result.push(id);
        if id == ELEMENTS {
            result.extend(block(&element_segments(content)?));
        } else {
            result.extend(block(content));
        }
    }
    Some(result)
}

/// An element section without the segments that contain only nulls. `None` if a segment has another form.
fn element_segments(content: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(content);
    let (mut count, mut kept) = (0, Vec::<u8>::new());
    for _ in 0..reader.number()? {
        let mut is_null = false;
        let segment = reader.taken(|reader| {
            is_null = reader.segment()?;
            Some(())
        })?;
        if !is_null {
            count += 1;
            kept.extend(segment);
        }
    }
    Some([number(count), kept].concat())
}

/// The sections of a file, each with its number and content. `None` if the file is not WebAssembly.
fn sections(wasm: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut reader = Reader(wasm.strip_prefix(HEADER)?);
    let mut sections = Vec::new();
    while let Some(id) = reader.byte() {
        sections.push((id, reader.block()?));
    }
    Some(sections)
}

/// The bytes that are not read yet. Each method returns `None` if too few bytes are left or they have another form.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// Reads an unsigned number in LEB128 encoding.
    fn number(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Reads bytes that have their length in front, such as a name.
    fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }

    /// Calls `read` and returns the bytes that it has read.
    fn taken(&mut self, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<&'a [u8]> {
        let before = self.0;
        read(self)?;
        before.get(..before.len() - self.0.len())
    }

    /// Reads the size limits of a table or a memory.
    fn limits(&mut self) -> Option<()> {
        let has_maximum = self.number()? & 1 == 1;
        self.number()?;
        if has_maximum {
            self.number()?;
        }
        Some(())
    }

    /// Reads an element segment of the first table. Returns whether all its elements are null.
    fn segment(&mut self) -> Option<bool> {
        let form = self.byte()?;
        // The offset: `i32.const`, a number, `end`.
        self.expect(0x41)?;
        self.number()?;
        self.expect(0x0b)?;
        let count = self.number()?;
        let mut is_null = form == 4;
        for _ in 0..count {
            match form {
                0 => {
                    self.number()?;
                }
                4 => is_null &= self.is_null()?,
                _ => return None,
            }
        }
        Some(is_null)
    }

    /// Reads an element expression: `ref.null` with a type, or `ref.func` with a number. Returns whether it is
    /// `ref.null`.
    fn is_null(&mut self) -> Option<bool> {
        let is_null = match self.byte()? {
            0xd0 => true,
            0xd2 => false,
            _ => return None,
        };
        self.number()?;
        self.expect(0x0b)?;
        Some(is_null)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.byte()? == byte).then_some(())
    }
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn block(content: &[u8]) -> Vec<u8> {
    [number(content.len()).as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with these sections.
    fn wasm(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut wasm = HEADER.to_vec();
        for (id, content) in sections {
            wasm.push(*id);
            wasm.extend(block(content));
        }
        wasm
    }

    /// An import section with a global, a table with a maximum, and a memory.
    fn shared() -> Vec<u8> {
        let mut content = vec![3];
        for (name, rest) in [
            ("sp", vec![GLOBAL, 0x7f, 1]),
            ("table", vec![TABLE, 0x70, 1, 0x88, 0x40, 0x88, 0x40]),
            ("memory", vec![MEMORY, 0, 19]),
        ] {
            content.extend(block(SHARED.as_bytes()));
            content.extend(block(name.as_bytes()));
            content.extend(rest);
        }
        content
    }

    #[test]
    fn the_size_of_a_chunk_is_that_of_its_functions_and_data() {
        let file = wasm(&[(1, &[0; 200]), (IMPORTS, &shared()), (CODE, &[0; 300]), (DATA, &[0; 50]), (0, &[0; 900])]);
        assert_eq!(size(&file), Some(350));
        assert_eq!(size(b"\0asm"), None);
    }

    #[test]
    fn what_chunks_share_is_exported_under_the_same_names() {
        let imported = imports(&wasm(&[(IMPORTS, &shared())])).unwrap();
        assert_eq!(imported.keys().collect::<Vec<_>>(), ["memory", "sp", "table"]);
        let file = re_exports(&imported, "main");
        let found = sections(&file).unwrap();
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [IMPORTS, EXPORTS]);
        assert_eq!(found[1].1, b"\x03\x06memory\x02\x00\x02sp\x03\x00\x05table\x01\x00");
        assert!(
            found[0].1.starts_with(
                b"\x03\x04main\x06memory\x02\x00\x13\x04main\x02sp\x03\x7f\x01\x04main\x05table\x01\x70\x01"
            )
        );
        assert_eq!(imports(&file), None);
    }

    #[test]
    fn a_chunk_imports_no_function() {
        let mut content = vec![1];
        content.extend(block(SHARED.as_bytes()));
        content.extend(block(b"f"));
        content.extend([0, 0]);
        assert_eq!(imports(&wasm(&[(IMPORTS, &content)])), None);
    }

    #[test]
    fn segments_of_nulls_are_left_out() {
        let functions = [0, 0x41, 1, 0x0b, 2, 7, 0x80, 0x01];
        let nulls = [4, 0x41, 3, 0x0b, 2, 0xd0, 0x70, 0x0b, 0xd0, 0x70, 0x0b];
        let mixed = [4, 0x41, 5, 0x0b, 2, 0xd0, 0x70, 0x0b, 0xd2, 9, 0x0b];
        let file = |segments: &[&[u8]]| {
            let elements = [number(segments.len()), segments.concat()].concat();
            wasm(&[(1, &[0; 200]), (ELEMENTS, &elements), (CODE, &[0; 3])])
        };
        let found = without_null_segments(&file(&[&functions, &nulls, &mixed, &nulls])).unwrap();
        assert_eq!(found, file(&[&functions, &mixed]));
        assert_eq!(without_null_segments(&file(&[&[5, 0x70, 0]])), None);
    }
}
