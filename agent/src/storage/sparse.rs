//! Preserves the holes of sparse files: blocks of zeros are skipped instead of written. Blocking.
//!
//! Between local paths, a file gets holes if its source has some. A local file that is copied through storages gets
//! holes wherever it has blocks of zeros, because no protocol transmits where the source has holes. Zeros are sent to
//! servers, because not every server fills a gap with zeros, and only reading the file back would reveal that.

use std::fs::{File, Metadata};
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// The unit of holes in bytes. No common file system has a smaller unit.
const BLOCK: usize = 4096;

/// Whether a file occupies fewer bytes than its length.
#[cfg(unix)]
pub(crate) fn is_sparse(file: &Metadata) -> bool {
    /// The unit of `st_blocks` in bytes, which does not depend on the file system.
    const UNIT: u64 = 512;
    std::os::unix::fs::MetadataExt::blocks(file).saturating_mul(UNIT) < file.len()
}

/// Always false: this system does not report holes.
#[cfg(not(unix))]
pub(crate) fn is_sparse(_file: &Metadata) -> bool {
    false
}

/// Writes `bytes` at `offset`, the end of the file, and skips blocks of zeros. Returns the number of bytes that were
/// written. The caller must set the length of the file afterwards, because it may end in a hole.
pub(crate) fn write_at(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    let mut start = 0;
    let mut run = 0;
    while start + run < bytes.len() {
        let at = start + run;
        let block = &bytes[at..bytes.len().min(at + to_next_block(offset + at as u64))];
        if block.iter().all(|byte| *byte == 0) {
            written += write_run(file, offset + start as u64, &bytes[start..at])?;
            (start, run) = (at + block.len(), 0);
        } else {
            run += block.len();
        }
    }
    written += write_run(file, offset + start as u64, &bytes[start..])?;
    Ok(written)
}

fn write_run(file: &mut File, offset: u64, run: &[u8]) -> io::Result<usize> {
    if !run.is_empty() {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(run)?;
    }
    Ok(run.len())
}

fn to_next_block(offset: u64) -> usize {
    // Less than a block, so it fits.
    BLOCK - usize::try_from(offset % BLOCK as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{BLOCK, write_at};

    #[test]
    fn only_whole_blocks_of_zeros_are_skipped_at_any_offset() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a");
        let mut content = vec![0; 5 * BLOCK];
        content[BLOCK - 1] = 1;
        content[3 * BLOCK] = 2;
        for piece in [1, 100, BLOCK, BLOCK + 1, 5 * BLOCK] {
            let mut file = File::create(&path)?;
            let mut written = 0;
            let mut offset = 0;
            for bytes in content.chunks(piece) {
                written += write_at(&mut file, offset, bytes)?;
                offset += bytes.len() as u64;
            }
            file.set_len(content.len() as u64)?;
            assert_eq!(std::fs::read(&path)?, content, "{piece}");
            assert!(written <= 2 * BLOCK, "{piece}: {written}");
        }
        Ok(())
    }
}
