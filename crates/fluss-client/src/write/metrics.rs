//! The writer's metrics, under the names of the Java client. Updated per batch or request, never per row.
//!
//! The recorder is looked up each time, so that one installed after the first writer still sees everything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::memory::Memory;
use crate::stats::WriterStats;

/// Totals that need no recorder.
#[derive(Default)]
pub(super) struct WriterMetrics {
    batches: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    repeated_rows: AtomicU64,
}

impl WriterMetrics {
    /// A batch is sent, for the first time or again.
    pub(super) fn on_send(&self, rows: u32, bytes: usize) {
        counter!("fluss.client.writer.recordSendPerSecond").increment(u64::from(rows));
        counter!("fluss.client.writer.bytesSendPerSecond").increment(bytes as u64);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(u64::from(rows), Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A batch is sent again.
    pub(super) fn on_retry(&self, rows: u32) {
        counter!("fluss.client.writer.recordsRetryPerSecond").increment(u64::from(rows));
        self.repeated_rows
            .fetch_add(u64::from(rows), Ordering::Relaxed);
    }

    /// The totals so far.
    pub(super) fn stats(&self, memory: &Memory) -> WriterStats {
        WriterStats {
            buffer_total_bytes: memory.capacity(),
            buffer_available_bytes: memory.available(),
            buffer_waiting: memory.waiting(),
            batches_sent: self.batches.load(Ordering::Relaxed),
            rows_sent: self.rows.load(Ordering::Relaxed),
            bytes_sent: self.bytes.load(Ordering::Relaxed),
            rows_repeated: self.repeated_rows.load(Ordering::Relaxed),
        }
    }
}

/// A batch was sealed.
pub(super) fn on_batch(bytes: usize, rows: u32) {
    histogram!("fluss.client.writer.bytesPerBatch").record(bytes as f64);
    histogram!("fluss.client.writer.recordsPerBatch").record(f64::from(rows));
}

/// A batch is sent for the first time, this long after its first row.
pub(super) fn on_queued(time: Duration) {
    gauge!("fluss.client.writer.batchQueueTimeMs").set(time.as_secs_f64() * 1e3);
}

/// A request was answered after this time.
pub(super) fn on_answer(latency: Duration) {
    gauge!("fluss.client.writer.sendLatencyMs").set(latency.as_secs_f64() * 1e3);
}

/// How full the write buffer is.
pub(super) fn on_memory(memory: &Memory) {
    gauge!("fluss.client.writer.bufferTotalBytes").set(memory.capacity() as f64);
    gauge!("fluss.client.writer.bufferAvailableBytes").set(memory.available() as f64);
    gauge!("fluss.client.writer.bufferWaitingThreads").set(memory.waiting() as f64);
}

/// Touches every metric once.
#[cfg(test)]
pub(crate) fn touch_all() {
    let metrics = WriterMetrics::default();
    metrics.on_send(1, 1);
    metrics.on_retry(1);
    on_batch(1, 1);
    on_queued(Duration::ZERO);
    on_answer(Duration::ZERO);
    on_memory(&Memory::new(1));
    let stats = metrics.stats(&Memory::new(3));
    assert_eq!((stats.batches_sent, stats.rows_repeated), (1, 1));
    assert_eq!(stats.buffer_available_bytes, 3);
}
