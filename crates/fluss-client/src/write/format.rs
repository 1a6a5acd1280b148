//! How the rows of a writer become batches.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluss_metadata::{LogFormat, RowType, SchemaId, TableInfo};
use fluss_row::kv::KvBatchBuilder;
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder};

use super::encoder::Encoder;
use crate::engine::write::{full_at, next_ratio};
use crate::error::Result;

/// Emptied builders kept for later batches. Each holds the memory of one full batch outside the write buffer.
const MAX_SPARE: usize = 2;

/// What the engine of a primary-key table does with rows. Source: `MergeMode.java`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum MergeMode {
    /// What the table's merge engine says.
    #[default]
    Default,
    /// Written as they are, past the merge engine: to restore or undo.
    Overwrite,
}

impl MergeMode {
    /// The number in the protocol. Source: `MergeMode.java: getProtoValue`.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Default => 0,
            Self::Overwrite => 1,
        }
    }
}

/// What distinguishes batches that must not be mixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BatchKind {
    /// Rows of a log table.
    Log,
    /// Upserts and deletes of a primary-key table.
    Kv {
        /// Positions of the columns written; all of them if `None`.
        target_columns: Option<Vec<i32>>,
        merge_mode: MergeMode,
    },
}

/// How rows become batches. Writers of a table with the same settings share one.
#[derive(Debug)]
pub(crate) struct WriteFormat {
    /// Only batches of the same format may share a request.
    pub(super) format_id: u64,
    pub(super) info: TableInfo,
    pub(super) kind: BatchKind,
    /// Positions of the columns whose smallest and largest values go into each batch.
    statistics: Vec<usize>,
    builders: Mutex<Builders>,
    /// Expected compressed size of a batch, as a fraction of the uncompressed size: the bits of an `f32`.
    ratio: AtomicU32,
}

#[derive(Debug, Default)]
struct Builders {
    /// Emptied builders, whose memory is reused by the next batches.
    spare: Vec<Encoder>,
    /// Never filled; the template of the others, which share what they learn.
    first: Option<Box<ArrowLogBatchBuilder>>,
}

impl WriteFormat {
    pub(super) fn new(info: TableInfo, kind: BatchKind) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            format_id: NEXT.fetch_add(1, Ordering::Relaxed),
            statistics: statistics_columns(&info),
            info,
            kind,
            builders: Mutex::default(),
            ratio: AtomicU32::new(1.0_f32.to_bits()),
        }
    }

    pub(super) fn matches(&self, info: &TableInfo, kind: &BatchKind) -> bool {
        self.info.schema_id() == info.schema_id()
            && self.kind == *kind
            && self.statistics == statistics_columns(info)
    }

    pub(super) fn schema_id(&self) -> SchemaId {
        self.info.schema_id()
    }

    /// The columns of the rows.
    pub(crate) fn row_type(&self) -> &RowType {
        self.info.row_type()
    }

    /// Whether batches consist of Arrow columns.
    pub(crate) fn is_arrow(&self) -> bool {
        self.kind == BatchKind::Log
            && matches!(self.info.descriptor().log_format(), Ok(LogFormat::Arrow))
    }

    /// A batch without rows.
    pub(crate) fn encoder(&self) -> Result<Encoder> {
        let mut builders = self.builders();
        if let Some(encoder) = builders.spare.pop() {
            return Ok(encoder);
        }
        if let Some(first) = &builders.first {
            return Ok(Encoder::Arrow(Box::new(first.another())));
        }
        let schema_id = self.schema_id();
        Ok(match &self.kind {
            BatchKind::Kv { .. } => Encoder::Kv(KvBatchBuilder::new(schema_id)?),
            BatchKind::Log => match self.info.descriptor().log_format()? {
                LogFormat::Arrow => {
                    let mut first = ArrowLogBatchBuilder::new(
                        self.info.row_type(),
                        schema_id,
                        self.info.descriptor().arrow_compression()?,
                    )?;
                    if !self.statistics.is_empty() {
                        first = first.with_statistics(&self.statistics)?;
                    }
                    let first = builders.first.insert(Box::new(first));
                    Encoder::Arrow(Box::new(first.another()))
                }
                LogFormat::Indexed => Encoder::Rows(Box::new(RowLogBatchBuilder::new(
                    self.info.row_type(),
                    schema_id,
                    LogFormat::Indexed,
                )?)),
                LogFormat::Compacted => Encoder::Rows(Box::new(RowLogBatchBuilder::new(
                    self.info.row_type(),
                    schema_id,
                    LogFormat::Compacted,
                )?)),
            },
        })
    }

    /// Keeps an emptied builder for a later batch.
    pub(super) fn keep(&self, builder: Option<Encoder>) {
        let Some(builder) = builder else { return };
        let mut builders = self.builders();
        if builders.spare.len() < MAX_SPARE {
            builders.spare.push(builder);
        }
    }

    fn builders(&self) -> MutexGuard<'_, Builders> {
        self.builders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of rows at which a batch is full.
    pub(super) fn full_at(&self, batch_size: usize, buffer_size: usize) -> usize {
        full_at(
            batch_size,
            buffer_size,
            f32::from_bits(self.ratio.load(Ordering::Relaxed)),
        )
    }

    /// A batch of `before` bytes took `after` bytes once it was sealed.
    pub(super) fn learn_ratio(&self, before: usize, after: usize) {
        if before > 0 {
            let estimate = f32::from_bits(self.ratio.load(Ordering::Relaxed));
            let next = next_ratio(estimate, (after as f32 / before as f32).min(1.0));
            self.ratio.store(next.to_bits(), Ordering::Relaxed);
        }
    }
}

/// The columns of a table whose batches carry statistics, which the filters of readers skip batches by.
fn statistics_columns(info: &TableInfo) -> Vec<usize> {
    // The server rejects columns that cannot have any. Rows are still written, without statistics.
    info.descriptor()
        .statistics_column_indexes()
        .unwrap_or_default()
}

/// The format shared by all writers with these settings.
pub(super) fn shared(
    formats: &mut Vec<Arc<WriteFormat>>,
    info: &TableInfo,
    kind: BatchKind,
) -> Arc<WriteFormat> {
    if let Some(format) = formats.iter().find(|format| format.matches(info, &kind)) {
        return Arc::clone(format);
    }
    let format = Arc::new(WriteFormat::new(info.clone(), kind));
    formats.push(Arc::clone(&format));
    format
}
