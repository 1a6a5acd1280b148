//! Writing the message.

use arrow_ipc::{
    BodyCompression, BodyCompressionArgs, BodyCompressionMethod, Buffer as BufferEntry, FieldNode,
    MessageArgs, MessageHeader, MetadataVersion, RecordBatch, RecordBatchArgs,
};
use flatbuffers::FlatBufferBuilder;

use super::{ALIGNMENT, CONTINUATION, PREFIX_BYTES};
use crate::arrow::flat::FlatBatch;
use crate::compression::{Codec, Compressor};
use crate::{Result, RowError};

/// Appends the message of a batch. The server's rules for bodies hold: buffers in the order of the schema, without
/// gaps except for the padding to 8 bytes, validity always listed, the codec of the table named. Source:
/// `FileLogProjection.java`.
pub(crate) fn write(
    flat: &FlatBatch<'_>,
    compressor: &mut Compressor,
    out: &mut Vec<u8>,
) -> Result<()> {
    let nodes: Vec<FieldNode> = flat
        .nodes
        .iter()
        .map(|node| FieldNode::new(node.len as i64, node.nulls as i64))
        .collect();
    let codec = compressor.codec();
    let rows = flat.rows as i64;
    // The lengths after compression go before what is compressed. As the metadata is of the same size whatever the
    // lengths are, it is written first with any, and then again with the right ones.
    let placeholders = vec![BufferEntry::new(1, 1); flat.buffers.len()];
    let start = out.len();
    put_metadata(&metadata(rows, &nodes, &placeholders, 1, codec), out);
    let body_start = out.len();
    let buffers = write_body(flat, compressor, out)?;
    let body_len = out.len() - body_start;
    let mut prefix = Vec::with_capacity(body_start - start);
    put_metadata(
        &metadata(rows, &nodes, &buffers, body_len as i64, codec),
        &mut prefix,
    );
    match out.get_mut(start..start + prefix.len()) {
        Some(place) if prefix.len() == body_start - start => place.copy_from_slice(&prefix),
        // Only if the body is empty, its length being left out of the metadata then.
        _ => drop(out.splice(start..body_start, prefix)),
    }
    Ok(())
}

fn write_body(
    flat: &FlatBatch<'_>,
    compressor: &mut Compressor,
    out: &mut Vec<u8>,
) -> Result<Vec<BufferEntry>> {
    let body_start = out.len();
    let mut buffers = Vec::with_capacity(flat.buffers.len());
    if compressor.codec().is_none() {
        out.reserve(flat.size_bytes() + ALIGNMENT * flat.buffers.len());
    }
    for (place, piece) in flat.buffers.iter().enumerate() {
        let start = out.len();
        compressor.append(piece.as_slice(), place, out)?;
        buffers.push(BufferEntry::new(
            (start - body_start) as i64,
            (out.len() - start) as i64,
        ));
        pad(out, body_start);
    }
    Ok(buffers)
}

/// Pads to the alignment, counted from `start`.
pub(super) fn pad(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    out.resize(start + len.next_multiple_of(ALIGNMENT), 0);
}

/// The flatbuffer of a message.
pub(super) fn metadata(
    rows: i64,
    nodes: &[FieldNode],
    buffers: &[BufferEntry],
    body_len: i64,
    codec: Option<Codec>,
) -> FlatBufferBuilder<'static> {
    let mut builder = FlatBufferBuilder::with_capacity(128 + 16 * (nodes.len() + buffers.len()));
    let compression = codec.map(|codec| {
        BodyCompression::create(
            &mut builder,
            &BodyCompressionArgs {
                codec: codec.to_ipc(),
                method: BodyCompressionMethod::BUFFER,
            },
        )
    });
    let buffers = builder.create_vector(buffers);
    let nodes = builder.create_vector(nodes);
    let batch = RecordBatch::create(
        &mut builder,
        &RecordBatchArgs {
            length: rows,
            nodes: Some(nodes),
            buffers: Some(buffers),
            compression,
            variadicBufferCounts: None,
        },
    );
    let message = arrow_ipc::Message::create(
        &mut builder,
        &MessageArgs {
            version: MetadataVersion::V5,
            header_type: MessageHeader::RecordBatch,
            header: Some(batch.as_union_value()),
            bodyLength: body_len,
            custom_metadata: None,
        },
    );
    builder.finish(message, None);
    builder
}

/// Appends mark, length and metadata, padded.
pub(super) fn put_metadata(metadata: &FlatBufferBuilder<'_>, out: &mut Vec<u8>) {
    let metadata = metadata.finished_data();
    let length = (PREFIX_BYTES + metadata.len()).next_multiple_of(ALIGNMENT) - PREFIX_BYTES;
    out.extend_from_slice(&CONTINUATION);
    out.extend_from_slice(&(length as i32).to_le_bytes());
    let start = out.len();
    out.extend_from_slice(metadata);
    out.resize(start + length, 0);
}

/// Returns an error if a message would not fit into a batch, whose length is a 32-bit number.
pub(crate) fn check_size(bytes: usize) -> Result<()> {
    if i32::try_from(bytes).is_ok() {
        return Ok(());
    }
    Err(RowError::TooLarge {
        what: "log batch",
        value: bytes as u64,
        max: i32::MAX as u64,
    })
}
