//! Whether a disk is almost full.

use std::path::Path;

/// A disk with less available space than this, in bytes, is almost full if that is also less than 1 % of the disk.
#[cfg(unix)]
const LITTLE: u64 = 1 << 30;

/// Whether the disk of a folder is almost full: less than 1 GiB and less than 1 % of it are available to the agent's
/// user. Always `false` for read-only file systems, those without a size, and those that cannot be inspected.
#[cfg(unix)]
pub(crate) fn is_almost_full(folder: &Path) -> bool {
    use rustix::fs::StatVfsMountFlags;
    let Ok(there) = rustix::fs::statvfs(folder) else { return false };
    !there.f_flag.contains(StatVfsMountFlags::RDONLY) && is_little(there.f_bavail, there.f_blocks, there.f_frsize)
}

/// Always `false`, because the space is not determined on this system.
#[cfg(not(unix))]
pub(crate) fn is_almost_full(_folder: &Path) -> bool {
    false
}

/// `available` and `all` are numbers of blocks.
#[cfg(unix)]
fn is_little(available: u64, all: u64, block: u64) -> bool {
    available < all.div_ceil(100) && available.saturating_mul(block) < LITTLE
}

#[cfg(all(test, unix))]
mod tests {
    use super::is_little;

    #[test]
    fn a_disk_is_almost_full_below_one_percent_and_one_gibibyte() {
        const BLOCK: u64 = 4096;
        let blocks = |gibibytes: u64| (gibibytes << 30) / BLOCK;
        assert!(is_little(0, blocks(1), BLOCK));
        assert!(is_little(blocks(20) / 101, blocks(20), BLOCK));
        assert!(!is_little(blocks(20) / 99, blocks(20), BLOCK), "more than 1 % of a small disk");
        assert!(!is_little(blocks(2), blocks(1000), BLOCK), "0.2 % of a large disk are 2 GiB");
        assert!(is_little(blocks(1) - 1, blocks(1000), BLOCK));
        assert!(!is_little(0, 0, BLOCK), "a file system without a size");
    }
}
