//! Moves log segments to a directory. Real servers do so periodically; here it happens as soon as a segment is full.
//!
//! The batches stay in memory as well, but a fetch of a moved segment returns its location.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use fluss_metadata::{
    FsPath, MetadataError, PhysicalTablePath, RemoteLayout, RemoteLogManifest, RemoteLogSegment,
    TableBucket,
};

use super::catalog::Table;
use super::index::SegmentIndex;
use super::log::Log;
use super::segments::Segments;

/// The manifest of the moved segments of a bucket.
pub(crate) struct Manifest {
    pub(crate) bucket: TableBucket,
    pub(crate) path: String,
    /// The offset after the last moved record.
    pub(crate) end_offset: i64,
}

/// Where segments are moved to, and how many stay.
pub(crate) struct Tiering {
    dir: FsPath,
    path: PhysicalTablePath,
    bucket: TableBucket,
    segment_bytes: usize,
    local_segments: usize,
}

impl Tiering {
    /// # Errors
    ///
    /// Returns an error if `root` is not a valid path.
    pub(super) fn new(
        root: &str,
        table: &Table,
        bucket: TableBucket,
        segment_bytes: usize,
    ) -> Result<Self, MetadataError> {
        let path = physical(table, &bucket);
        Ok(Self {
            dir: dir_of(root, table, &bucket)?,
            path,
            bucket,
            segment_bytes,
            local_segments: local_segments(table),
        })
    }
}

impl Manifest {
    /// The latest manifest of a bucket, if a segment of it has moved below `root`.
    pub(super) fn latest(
        root: &str,
        table: &Table,
        bucket: &TableBucket,
        log: &Log,
    ) -> Option<Self> {
        let end_offset = log.segments.closed.last()?.end_offset();
        let dir = dir_of(root, table, bucket).ok()?;
        let file = dir.log_manifest_file(&segment_id(bucket, end_offset));
        Some(Self {
            bucket: *bucket,
            path: file.to_string(),
            end_offset,
        })
    }
}

/// The directory of a bucket's log below `root`.
pub(super) fn dir_of(
    root: &str,
    table: &Table,
    bucket: &TableBucket,
) -> Result<FsPath, MetadataError> {
    let layout = RemoteLayout::new(FsPath::parse(root)?);
    layout.log_tablet_dir(&physical(table, bucket), bucket)
}

fn physical(table: &Table, bucket: &TableBucket) -> PhysicalTablePath {
    let mut partitions = table.partitions.values();
    let name = bucket
        .partition_id()
        .and_then(|id| partitions.find(|partition| partition.id == id))
        .map(|partition| partition.spec.partition_name());
    match name {
        Some(name) => PhysicalTablePath::of_partitioned(table.path.clone(), name),
        None => PhysicalTablePath::of(table.path.clone()),
    }
}

fn local_segments(table: &Table) -> usize {
    let count = table.descriptor.tiered_log_local_segments().unwrap_or(2);
    usize::try_from(count).unwrap_or(1)
}

impl Log {
    /// Moves the segments that are full.
    ///
    /// # Errors
    ///
    /// Returns the error of the file system.
    pub(super) fn tier(&mut self, to: &Tiering) -> io::Result<()> {
        loop {
            let mut bytes = BytesMut::new();
            let mut last = None;
            let open = self.segments.open;
            for batch in self.since(open) {
                if !bytes.is_empty() && bytes.len() + batch.bytes().len() > to.segment_bytes {
                    break;
                }
                bytes.extend_from_slice(batch.bytes());
                last = Some(*batch.header());
            }
            let Some(last) = last else { break };
            if last.next_offset() == self.end_offset() {
                break;
            }
            let segment = RemoteLogSegment::new(
                segment_id(&to.bucket, open),
                open,
                last.next_offset(),
                None,
                None,
                last.commit_timestamp(),
                i32::try_from(bytes.len()).unwrap_or(i32::MAX),
            );
            write_segment(&to.dir, &segment, &bytes.freeze())?;
            self.segments.open = last.next_offset();
            self.segments.closed.push(segment);
            write_manifest(to, &self.segments.closed)?;
        }
        // The segment that is being written to is one of those that stay.
        let stay = to.local_segments.saturating_sub(1);
        let moved = self.segments.closed.len().saturating_sub(stay);
        let behind = moved.checked_sub(1);
        if let Some(last) = behind.and_then(|place| self.segments.closed.get(place)) {
            self.segments.local_start = last.end_offset();
        }
        Ok(())
    }

    /// The moved segments from this offset, and a position in the first one at or before the batch with the offset.
    pub(crate) fn moved(&self, offset: i64) -> Option<(&[RemoteLogSegment], usize)> {
        let Segments {
            closed,
            local_start,
            ..
        } = &self.segments;
        if offset >= *local_start {
            return None;
        }
        let first = closed.partition_point(|segment| segment.end_offset() <= offset);
        let behind = closed.partition_point(|segment| segment.end_offset() <= *local_start);
        let found = closed.get(first..behind)?;
        Some((found, self.index_of(found.first()?).position(offset)))
    }

    /// The offset for a time, if a copied segment has a batch that was written then or later. Servers use only the
    /// index of that segment, so the offset is often too small.
    pub(crate) fn copied_offset_at(&self, timestamp: i64) -> Option<i64> {
        let mut closed = self.segments.closed.iter();
        let segment = closed.find(|segment| segment.max_timestamp() >= timestamp)?;
        Some(self.index_of(segment).offset_at(timestamp))
    }

    fn index_of(&self, segment: &RemoteLogSegment) -> SegmentIndex {
        let batches = self.since(segment.start_offset()).iter();
        let inside =
            batches.take_while(|batch| batch.header().next_offset() <= segment.end_offset());
        SegmentIndex::of(segment.start_offset(), inside)
    }

    /// Offsets before this one are only in the remote directory.
    pub(crate) fn local_start(&self) -> i64 {
        self.segments.local_start.max(self.start_offset())
    }

    /// The end offset of the segment that contains an offset.
    pub(crate) fn segment_end(&self, offset: i64, segment_bytes: usize) -> i64 {
        let mut closed = self.segments.closed.iter();
        if let Some(segment) = closed.find(|segment| segment.end_offset() > offset) {
            return segment.end_offset();
        }
        let mut bytes = 0;
        for batch in self.since(self.segments.open) {
            let size = batch.bytes().len();
            if bytes > 0 && bytes + size > segment_bytes {
                if batch.header().base_offset() > offset {
                    return batch.header().base_offset();
                }
                bytes = 0;
            }
            bytes += size;
        }
        self.end_offset()
    }
}

/// A deterministic id in the form of a UUID.
fn segment_id(bucket: &TableBucket, offset: i64) -> String {
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        bucket.table_id() as u32,
        bucket.bucket_id() as u16,
        offset
    )
}

fn write_segment(dir: &FsPath, segment: &RemoteLogSegment, bytes: &Bytes) -> io::Result<()> {
    let dir = dir.log_segment_dir(segment.segment_id());
    write(&dir.segment_file(segment.start_offset()), bytes)
}

fn write_manifest(to: &Tiering, segments: &[RemoteLogSegment]) -> io::Result<()> {
    let manifest = RemoteLogManifest::new(to.path.clone(), to.bucket, None, segments.to_vec());
    let end = segments.last().map_or(0, RemoteLogSegment::end_offset);
    let file = to.dir.log_manifest_file(&segment_id(&to.bucket, end));
    write(&file, manifest.to_json().as_bytes())
}

fn write(file: &FsPath, bytes: &[u8]) -> io::Result<()> {
    let path = local_path(file);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, bytes)
}

/// A local directory, with or without the scheme `file:`.
fn local_path(file: &FsPath) -> PathBuf {
    let text = file.to_string();
    let path = text.strip_prefix("file://").unwrap_or(&text);
    Path::new(path.strip_prefix("file:").unwrap_or(path)).to_owned()
}
