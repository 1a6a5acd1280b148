//! Some columns of a message as a message of their own, without decompressing them: what a server does for a projected fetch.
//!
//! Source: `FileLogProjection.java`.

use arrow_ipc::{Buffer as BufferEntry, FieldNode};

use super::decode::WireColumn;
use super::message::Message;
use super::write::{metadata, pad, put_metadata};
use crate::{Result, RowError};

/// Appends a message of the wanted columns.
pub(crate) fn project(message: &Message, columns: &[WireColumn], out: &mut Vec<u8>) -> Result<()> {
    let (mut node_at, mut buffer_at) = (0, 0);
    let (mut nodes, mut ranges) = (Vec::new(), Vec::new());
    for column in columns {
        let (node_count, buffer_count) = column.parts();
        let (node_end, buffer_end) = (node_at + node_count, buffer_at + buffer_count);
        let parts = message
            .nodes
            .get(node_at..node_end)
            .zip(message.buffers.get(buffer_at..buffer_end));
        let (column_nodes, column_buffers) = parts.ok_or(RowError::Malformed {
            what: "Arrow message",
            offset: message.body_offset,
            problem: "of fewer columns than its schema has",
        })?;
        if column.wanted {
            nodes.extend(
                column_nodes
                    .iter()
                    .map(|node| FieldNode::new(node.len as i64, node.nulls as i64)),
            );
            ranges.extend(column_buffers);
        }
        (node_at, buffer_at) = (node_end, buffer_end);
    }
    let mut end: usize = 0;
    let buffers: Vec<_> = ranges
        .iter()
        .map(|range| {
            let start = end;
            end += range.len().next_multiple_of(super::ALIGNMENT);
            BufferEntry::new(start as i64, range.len() as i64)
        })
        .collect();
    put_metadata(
        &metadata(
            message.rows as i64,
            &nodes,
            &buffers,
            end as i64,
            message.codec,
        ),
        out,
    );
    let body_start = out.len();
    for range in ranges {
        out.extend_from_slice(message.stored(range));
        pad(out, body_start);
    }
    Ok(())
}
