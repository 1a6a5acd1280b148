//! Local files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

/// Reads a piece of a file on a thread that may block on the disk.
pub(super) fn read(path: &Path, range: Range<u64>) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let wanted = range.end.saturating_sub(range.start);
    // The size of the file, not the request, limits the allocation.
    let there = file.metadata()?.len().saturating_sub(range.start);
    let mut piece = Vec::with_capacity(usize::try_from(wanted.min(there)).unwrap_or(0));
    file.take(wanted).read_to_end(&mut piece)?;
    Ok(Bytes::from(piece))
}
