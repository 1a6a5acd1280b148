//! The writer's metrics, under the names of the Java client. Updated per batch or request, never per row.
//!
//! The recorder is looked up each time, so that one installed after the first writer still sees everything.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::memory::Memory;

/// A batch got its bytes.
pub(super) fn on_batch(bytes: usize, rows: u32) {
    histogram!("client.writer.bytesPerBatch").record(bytes as f64);
    histogram!("client.writer.recordsPerBatch").record(f64::from(rows));
}

/// A batch goes out for the first time, so long after its first row.
pub(super) fn on_queued(time: Duration) {
    gauge!("client.writer.batchQueueTimeMs").set(time.as_secs_f64() * 1e3);
}

/// A batch goes out.
pub(super) fn on_send(rows: u32, bytes: usize) {
    counter!("client.writer.recordSendPerSecond").increment(u64::from(rows));
    counter!("client.writer.bytesSendPerSecond").increment(bytes as u64);
}

/// A batch goes out again.
pub(super) fn on_retry(rows: u32) {
    counter!("client.writer.recordsRetryPerSecond").increment(u64::from(rows));
}

/// A request was answered, so long after it was made.
pub(super) fn on_answer(latency: Duration) {
    gauge!("client.writer.sendLatencyMs").set(latency.as_secs_f64() * 1e3);
}

/// How full the write buffer is.
pub(super) fn on_memory(memory: &Memory) {
    gauge!("client.writer.bufferTotalBytes").set(memory.capacity() as f64);
    gauge!("client.writer.bufferAvailableBytes").set(memory.available() as f64);
    gauge!("client.writer.bufferWaitingThreads").set(memory.waiting() as f64);
}
