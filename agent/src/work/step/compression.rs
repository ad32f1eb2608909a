//! Compresses and decompresses a file as a stream, into a part file that is published when it is complete. Blocking.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use mftplus_protocol::archive::Format;

use crate::storage::path_text::text;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, at};
use crate::transfer::part_lock::reserve;
use crate::transfer::publish::{check, publish};

/// The number of bytes read and written at once.
const CHUNK: usize = 1 << 18;

/// Compresses the file `from` into `to`; an existing file is replaced.
pub(crate) fn compress(
    from: &SandboxedPath,
    to: &SandboxedPath,
    format: Format,
    control: &Control,
) -> Result<(), CopyError> {
    convert(from, to, control, |source, target| match format {
        Format::Gzip => {
            let mut encoder = GzEncoder::new(target, flate2::Compression::default());
            pump(source, &mut encoder)?;
            encoder.finish().map(drop)
        }
        Format::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(target, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            pump(source, &mut encoder)?;
            encoder.finish().map(drop)
        }
    })
}

/// Decompresses the file `from` into `to`; an existing file is replaced. Without `format`, the magic bytes of the file
/// decide.
pub(crate) fn decompress(
    from: &SandboxedPath,
    to: &SandboxedPath,
    format: Option<Format>,
    control: &Control,
) -> Result<(), CopyError> {
    convert(from, to, control, |source, target| {
        let mut source = BufReader::with_capacity(CHUNK, source);
        match (format, recognise(&mut source)?) {
            (Some(Format::Gzip) | None, Some(Format::Gzip)) => pump(&mut MultiGzDecoder::new(source), target),
            (None, None) => Err(io::Error::new(io::ErrorKind::InvalidData, "the file is neither gzip nor zstd")),
            (Some(Format::Gzip), _) => Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not gzip")),
            // A zstd file may also begin with a skippable frame.
            (Some(Format::Zstd), _) | (None, Some(Format::Zstd)) => {
                pump(&mut zstd::stream::read::Decoder::with_buffer(source)?, target)
            }
        }
    })
}

/// The format according to the magic bytes.
fn recognise(source: &mut impl io::BufRead) -> io::Result<Option<Format>> {
    Ok(match source.fill_buf()? {
        [0x1f, 0x8b, ..] => Some(Format::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
        _ => None,
    })
}

fn convert(
    from: &SandboxedPath,
    to: &SandboxedPath,
    control: &Control,
    convert: impl FnOnce(&mut Watched<'_>, &mut BufWriter<&File>) -> io::Result<()>,
) -> Result<(), CopyError> {
    let before = from.metadata().map_err(at("read", from))?;
    if !before.is_file() {
        return Err(CopyError::NoFile(from.as_path().to_owned()));
    }
    check(to, false, true)?;
    let file = from.open().map_err(at("read", from))?;
    let before = file.metadata().map_err(at("read", from))?;
    control.set_total(before.len());
    let part = to.part();
    let reserved = reserve(&part, false)?;
    let mut written = reserved.file().map_err(at("write", &part))?;
    // An interrupted attempt cannot be continued, because the state of the compression is lost.
    written.set_len(0).and_then(|()| written.rewind()).map_err(at("write", &part))?;
    let mut source = Watched { file, control };
    let mut target = BufWriter::with_capacity(CHUNK, &written);
    let converted = convert(&mut source, &mut target).and_then(|()| target.flush());
    drop(target);
    let finished = converted.and_then(|()| {
        let after = source.file.metadata()?;
        written.set_modified(before.modified()?)?;
        written.sync_all()?;
        written.set_permissions(before.permissions())?;
        Ok(after.len() == before.len() && after.modified()? == before.modified()?)
    });
    let ended = match finished {
        _ if control.is_stopped() => Err(CopyError::Stopped),
        Ok(true) => publish(&part, to, true),
        Ok(false) => Err(CopyError::Changed(from.as_path().to_owned())),
        Err(error) => Err(at("convert", from)(error)),
    };
    if ended.is_err()
        && let Err(error) = part.remove()
    {
        tracing::warn!(%error, "cannot remove {}; remove it by hand", text(part.as_path()));
    }
    ended
}

/// A reader that counts bytes, and fails when the step is stopped.
struct Watched<'a> {
    file: File,
    control: &'a Control,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.control.is_stopped() {
            return Err(io::Error::other("stopped"));
        }
        let count = self.file.read(buffer)?;
        self.control.add_copied(count as u64);
        Ok(count)
    }
}

fn pump(source: &mut impl Read, target: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => target.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mftplus_protocol::archive::Format;
    use uuid::Uuid;

    use super::{compress, decompress};
    use crate::storage::allowed_roots::FileAccess;
    use crate::transfer::control::Control;

    fn fresh() -> Control {
        Control::new(Uuid::new_v4(), 1, 0, false)
    }

    #[test]
    fn a_compressed_file_is_recognised_and_decompressed() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        let bytes: Vec<u8> = (0..2_000_000_u32).map(|n| n.wrapping_mul(n).to_be_bytes()[1]).collect();
        fs::write(dir.path().join("a"), &bytes)?;
        for format in [Format::Gzip, Format::Zstd] {
            let control = fresh();
            compress(&path("a")?, &path("packed")?, format, &control)?;
            assert_eq!(control.copied(), 2_000_000);
            assert!((control.progress().percent - 100.0).abs() < 1e-9);
            decompress(&path("packed")?, &path("b")?, None, &fresh())?;
            assert!(fs::read(dir.path().join("b"))? == bytes);
        }
        // Several members one after the other are one file.
        let packed = fs::read(dir.path().join("packed"))?;
        fs::write(dir.path().join("packed"), [packed.clone(), packed].concat())?;
        decompress(&path("packed")?, &path("b")?, Some(Format::Zstd), &fresh())?;
        assert!(fs::read(dir.path().join("b"))? == [bytes.clone(), bytes].concat());
        Ok(())
    }

    #[test]
    fn a_file_in_another_format_is_rejected_with_the_reason() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::write(dir.path().join("a"), "text")?;
        fs::write(dir.path().join("empty"), "")?;
        let said = |name: &str, format| {
            let refused = decompress(&path(name)?, &path("b")?, format, &fresh()).map_err(|error| error.to_string());
            anyhow::Ok(refused.err().unwrap_or_default())
        };
        assert!(said("a", Some(Format::Gzip))?.ends_with("the file is not gzip"));
        assert!(said("empty", Some(Format::Gzip))?.ends_with("the file is not gzip"));
        assert!(said("a", None)?.ends_with("the file is neither gzip nor zstd"));
        Ok(())
    }

    #[test]
    fn a_folder_with_the_name_of_the_part_file_is_kept() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::write(dir.path().join("a"), "text")?;
        fs::create_dir(dir.path().join("b.mftplus-part"))?;
        fs::write(dir.path().join("b.mftplus-part/precious"), "kept")?;
        let refused = compress(&path("a")?, &path("b")?, Format::Gzip, &fresh()).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|error| error.contains("b.mftplus-part is a folder")));
        assert_eq!(fs::read_to_string(dir.path().join("b.mftplus-part/precious"))?, "kept");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_never_replaced() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::write(dir.path().join("a"), "text")?;
        compress(&path("a")?, &path("packed")?, Format::Gzip, &fresh())?;
        let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("b"))?;
        let refused = [
            compress(&path("a")?, &path("b")?, Format::Gzip, &fresh()),
            decompress(&path("packed")?, &path("b")?, None, &fresh()),
        ];
        for refused in refused {
            let error = refused.map_err(|error| error.to_string());
            assert!(error.is_err_and(|error| error.contains("/b is a socket, which must not be replaced")));
        }
        assert!(!fs::symlink_metadata(dir.path().join("b"))?.is_file());
        assert!(!dir.path().join("b.mftplus-part").exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_part_file_that_is_a_hard_link_is_replaced() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::write(dir.path().join("a"), "text")?;
        fs::write(dir.path().join("secret"), "kept")?;
        fs::hard_link(dir.path().join("secret"), dir.path().join("b.mftplus-part"))?;
        compress(&path("a")?, &path("b")?, Format::Gzip, &fresh())?;
        assert_eq!(fs::read_to_string(dir.path().join("secret"))?, "kept");
        Ok(())
    }

    #[test]
    fn a_damaged_file_leaves_nothing_behind() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::write(dir.path().join("a"), vec![7; 100_000])?;
        fs::write(dir.path().join("b"), "as before")?;
        for format in [Format::Gzip, Format::Zstd] {
            compress(&path("a")?, &path("packed")?, format, &fresh())?;
            let packed = fs::read(dir.path().join("packed"))?;
            fs::write(dir.path().join("packed"), &packed[..packed.len() - 3])?;
            assert!(decompress(&path("packed")?, &path("b")?, None, &fresh()).is_err());
        }
        assert!(decompress(&path("a")?, &path("b")?, None, &fresh()).is_err());
        assert_eq!(fs::read_to_string(dir.path().join("b"))?, "as before");
        assert!(!dir.path().join("b.mftplus-part").exists());
        Ok(())
    }
}
