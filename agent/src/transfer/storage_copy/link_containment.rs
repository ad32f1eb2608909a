//! Checks the targets of symbolic links from a server, so that they do not lead out of the copy.

use crate::storage::storage_path::StoragePath;

/// Whether the link at the path `link` of the copy leads to a path inside the copy, independently of the other links of
/// the copy. A `target` with `..` after a name is refused, because the name may be another link, and `..` would then be
/// relative to the target of that link.
pub(crate) fn stays_inside(link: &StoragePath, target: &[u8]) -> bool {
    let mut depth = link.as_bytes().split(|byte| *byte == b'/').count() - 1;
    let mut has_name = false;
    if target.starts_with(b"/") {
        return false;
    }
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if depth == 0 || has_name => return false,
            b".." => depth -= 1,
            _ => has_name = true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::stays_inside;
    use crate::storage::storage_path::StoragePath;

    #[test]
    fn a_link_of_a_server_that_leads_out_of_the_copy_is_known() -> anyhow::Result<()> {
        let link = StoragePath::new(b"a/b/link")?;
        for inside in [&b"c"[..], b"../../x", b"./c//d", b"./../b/c"] {
            assert!(stays_inside(&link, inside), "{inside:?}");
        }
        // The last one leads out if `c` is a link to the copy itself.
        for outside in [&b"/etc/passwd"[..], b"../../../x", b"c/../../../../x", b"c/../d"] {
            assert!(!stays_inside(&link, outside), "{outside:?}");
        }
        Ok(())
    }
}
