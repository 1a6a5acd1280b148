//! Finding the parts of a message, and checking that they are there, before anything is done with them.

use std::ops::Range;

use arrow_ipc::{BodyCompressionMethod, MessageHeader, MetadataVersion};
use bytes::Bytes;
use flatbuffers::VerifierOptions;

use super::{CONTINUATION, DecodeLimits, PREFIX_BYTES};
use crate::compression::{self, Codec};
use crate::{Result, RowError};

/// The metadata of a message is a handful of tables.
const VERIFIER: VerifierOptions = VerifierOptions {
    max_depth: 16,
    max_tables: 1024,
    max_apparent_size: 1 << 30,
    ignore_missing_null_terminator: false,
};

/// One array, as its message announces it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WireNode {
    pub(crate) len: usize,
    pub(crate) nulls: usize,
}

/// A message taken apart.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) rows: usize,
    pub(crate) nodes: Vec<WireNode>,
    /// Where the buffers are in the body: in order, within it, none overlapping another.
    pub(crate) buffers: Vec<Range<usize>>,
    pub(crate) codec: Option<Codec>,
    pub(crate) body: Bytes,
    /// Where the body begins in the batch, for errors.
    pub(crate) body_offset: usize,
}

fn malformed(offset: usize, problem: &'static str) -> RowError {
    RowError::Malformed {
        what: "Arrow message",
        offset,
        problem,
    }
}

/// How the buffers of a batch are compressed.
fn codec(compression: arrow_ipc::BodyCompression<'_>, offset: usize) -> Result<Codec> {
    if compression.method() != BodyCompressionMethod::BUFFER {
        return Err(malformed(offset, "compressed by an unknown method"));
    }
    Codec::from_ipc(compression.codec())
        .ok_or_else(|| malformed(offset, "compressed with an unknown codec"))
}

impl Message {
    /// Takes apart the message that `bytes` consist of. `offset` is where it begins in its batch, for errors.
    pub(crate) fn parse(bytes: &Bytes, offset: usize) -> Result<Self> {
        let truncated = |needed| RowError::Truncated {
            what: "Arrow message",
            offset,
            needed,
            available: bytes.len(),
        };
        let (mark, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or_else(|| truncated(PREFIX_BYTES))?;
        let (length, rest) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| truncated(PREFIX_BYTES))?;
        if *mark != CONTINUATION {
            return Err(malformed(offset, "no encapsulated message"));
        }
        let length = usize::try_from(i32::from_le_bytes(*length))
            .map_err(|_| malformed(offset + 4, "of a negative length"))?;
        let metadata = rest
            .get(..length)
            .ok_or_else(|| truncated(PREFIX_BYTES + length))?;
        let body_start = PREFIX_BYTES + length;
        let metadata_offset = offset + PREFIX_BYTES;
        let message = arrow_ipc::root_as_message_with_opts(&VERIFIER, metadata)
            .map_err(|_| malformed(metadata_offset, "no valid flatbuffer"))?;
        if message.version() != MetadataVersion::V5 && message.version() != MetadataVersion::V4 {
            return Err(malformed(
                metadata_offset,
                "of another version than 4 and 5",
            ));
        }
        let batch = match message.header_type() {
            MessageHeader::RecordBatch => message.header_as_record_batch(),
            _ => None,
        };
        let batch = batch.ok_or_else(|| malformed(metadata_offset, "no record batch"))?;
        if batch
            .variadicBufferCounts()
            .is_some_and(|counts| !counts.is_empty())
        {
            return Err(malformed(
                metadata_offset,
                "with variadic buffers, which no column has",
            ));
        }
        let body = bytes.slice(body_start..);
        if usize::try_from(message.bodyLength()).ok() != Some(body.len()) {
            return Err(malformed(
                metadata_offset,
                "of another body length than there are bytes",
            ));
        }
        let codec = batch
            .compression()
            .map(|compression| codec(compression, metadata_offset))
            .transpose()?;
        let nodes = batch
            .nodes()
            .into_iter()
            .flat_map(|nodes| nodes.iter())
            .map(|node| {
                let (len, nulls) = (
                    usize::try_from(node.length()).ok()?,
                    usize::try_from(node.null_count()).ok()?,
                );
                (nulls <= len).then_some(WireNode { len, nulls })
            });
        let nodes = nodes.collect::<Option<Vec<_>>>().ok_or_else(|| {
            malformed(metadata_offset, "with a negative length or too many nulls")
        })?;
        let mut end = 0;
        let buffers = batch
            .buffers()
            .into_iter()
            .flat_map(|buffers| buffers.iter())
            .map(|buffer| {
                let start = usize::try_from(buffer.offset())
                    .ok()
                    .filter(|start| *start >= end)?;
                end = start
                    .checked_add(usize::try_from(buffer.length()).ok()?)
                    .filter(|end| *end <= body.len())?;
                Some(start..end)
            });
        let buffers = buffers.collect::<Option<Vec<_>>>().ok_or_else(|| {
            malformed(
                metadata_offset,
                "with a buffer outside of its body or over another one",
            )
        })?;
        let rows = usize::try_from(batch.length())
            .map_err(|_| malformed(metadata_offset, "of a negative number of rows"))?;
        Ok(Self {
            rows,
            nodes,
            buffers,
            codec,
            body,
            body_offset: offset + body_start,
        })
    }

    /// Returns the bytes of a buffer as they are in the body.
    pub(crate) fn stored(&self, range: &Range<usize>) -> &[u8] {
        self.body.get(range.clone()).unwrap_or_default()
    }

    /// Returns the length of a buffer once it is decompressed, as its prefix announces it; `None` if it is stored raw, with or without a prefix.
    pub(crate) fn announced(&self, range: &Range<usize>) -> Result<Option<usize>> {
        let stored = self.stored(range);
        if self.codec.is_none() || stored.is_empty() {
            return Ok(None);
        }
        let wrong = |problem| RowError::Malformed {
            what: "compressed buffer",
            offset: self.body_offset + range.start,
            problem,
        };
        let (prefix, _) = stored
            .split_first_chunk::<{ compression::PREFIX_BYTES }>()
            .ok_or_else(|| wrong("shorter than its prefix"))?;
        match i64::from_le_bytes(*prefix) {
            compression::RAW => Ok(None),
            length => usize::try_from(length)
                .map(Some)
                .map_err(|_| wrong("of a negative length")),
        }
    }

    /// Checks that the buffers chosen, once decompressed, stay within the limits. `more` bytes are needed besides.
    pub(crate) fn check_limits(
        &self,
        limits: &DecodeLimits,
        more: usize,
        mut chosen: impl FnMut(usize) -> bool,
    ) -> Result<()> {
        let mut total = more;
        for (index, range) in self.buffers.iter().enumerate() {
            if chosen(index) {
                total = total.saturating_add(self.announced(range)?.unwrap_or(range.len()));
            }
        }
        let exceeded = |what, max: usize| {
            Err(RowError::LimitExceeded {
                what,
                value: total as u64,
                max: max as u64,
            })
        };
        if total > limits.max_decompressed_bytes {
            return exceeded(
                "decompressed size of a batch",
                limits.max_decompressed_bytes,
            );
        }
        let by_ratio = self
            .body
            .len()
            .saturating_mul(limits.max_ratio)
            .max(limits.ratio_free_bytes);
        if total > by_ratio {
            return exceeded(
                "decompressed size of a batch, by the ratio of compression",
                by_ratio,
            );
        }
        Ok(())
    }
}
