//! One scan of the live rows of a bucket on its server: opened, asked for page after page, closed.
//!
//! A server keeps a snapshot for each scan, so an abandoned scan must be closed. That is why a separate task talks to
//! the server: it knows the scan's id however the caller's futures end. The next page is asked for as soon as one is
//! taken, so that one page waits at most.

use bytes::Bytes;
use fluss_metadata::{TableBucket, TableInfo};
use fluss_rpc::{Lane, RetryPolicy, RpcError};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{PbScanReqForBucket, ScanKvRequest, ScanKvResponse};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span};

use crate::context::OpenContext;
use crate::engine::scan::{FetchFault, OffsetReset, judge};
use crate::error::{Error, Result};

/// What one answer brought.
#[derive(Debug)]
pub(super) struct Page {
    /// One batch of values; none in the answer of an empty bucket.
    pub(super) records: Option<Bytes>,
    /// Offset of the changelog behind which nothing is in the scan; with the first page only.
    pub(super) log_offset: Option<i64>,
    /// Whether it is the last one.
    pub(super) last: bool,
}

/// The scan of a bucket, before it is opened.
#[derive(Debug)]
pub(super) struct KvSession {
    pub(super) context: OpenContext,
    pub(super) table: TableInfo,
    pub(super) bucket: TableBucket,
}

impl KvSession {
    /// Opens the scan in a task, which ends with the last page, the first error, or when the pages are dropped.
    pub(super) fn start(self) -> mpsc::Receiver<Result<Page>> {
        let (pages, taken) = mpsc::channel(1);
        let handle = self.context.drivers.handle().clone();
        handle.spawn(self.run(pages));
        taken
    }

    async fn run(self, pages: mpsc::Sender<Result<Page>>) {
        let Ok(mut room) = pages.reserve().await else {
            return;
        };
        let (server, mut answer) = match self.open().await {
            Ok(opened) => opened,
            Err(error) => return room.send(Err(error)),
        };
        let scanner = answer.scanner_id.clone();
        let mut call = 0;
        loop {
            let more = answer.has_more_results.unwrap_or(false);
            room.send(Ok(Page {
                records: answer.records.filter(|records| !records.is_empty()),
                log_offset: answer.log_offset,
                last: !more,
            }));
            if !more {
                return;
            }
            room = match pages.reserve().await {
                Ok(room) => room,
                Err(_) => return self.close(server, scanner).await,
            };
            let Some(scanner) = &scanner else {
                let error = Error::corrupt("the server announced more rows, but no scan");
                return room.send(Err(error));
            };
            call += 1;
            let request = ScanKvRequest {
                scanner_id: Some(scanner.clone()),
                call_seq_id: Some(call),
                batch_size_bytes: Some(self.page_size()),
                ..ScanKvRequest::default()
            };
            answer = match self.ask(server, &request, 1).await {
                Ok(answer) => answer,
                Err(failure) => {
                    // What a server refuses it closes itself.
                    let lost = matches!(failure, Failure::Call(_));
                    room.send(Err(self.give_up(failure)));
                    if lost {
                        self.close(server, Some(scanner.clone())).await;
                    }
                    return;
                }
            };
        }
    }

    /// Opens the scan at the bucket's leader. What passes is tried again, for at most the time of a call: nothing is
    /// read yet.
    async fn open(&self) -> Result<(i32, ScanKvResponse)> {
        let deadline = Instant::now() + self.context.config.call_timeout;
        super::partitions::require(&self.context, &self.table, &self.bucket).await?;
        let count =
            super::routing::learn_routing_bucket_count(&self.context, &self.table, &self.bucket);
        let count = count.await;
        let request = ScanKvRequest {
            bucket_scan_req: Some(PbScanReqForBucket {
                table_id: self.bucket.table_id(),
                partition_id: self.bucket.partition_id(),
                bucket_id: self.bucket.bucket_id(),
                limit: None,
                routing_bucket_count: Some(count),
            }),
            call_seq_id: Some(0),
            batch_size_bytes: Some(self.page_size()),
            ..ScanKvRequest::default()
        };
        let mut attempts = 0;
        loop {
            attempts += 1;
            let cluster = &self.context.cluster;
            let seen = cluster.view().generation();
            let failure = match cluster.leader(self.table.table_path(), self.bucket).await {
                Ok(leader) => match self.ask(leader.id(), &request, attempts).await {
                    Ok(answer) => return Ok((leader.id(), answer)),
                    Err(failure) => failure,
                },
                Err(error) => Failure::Call(error),
            };
            let pause = RetryPolicy::FETCH.random_pause(attempts, &cluster.config().chance);
            if !failure.passes() || Instant::now() + pause > deadline {
                return Err(failure.into_error().after_attempts(attempts));
            }
            debug!(bucket = ?self.bucket, attempts, ?pause, "a scan will be opened again");
            if failure.moves_leader() {
                cluster.invalidate_bucket(&self.bucket, seen);
            }
            tokio::time::sleep(pause).await;
            super::partitions::require(&self.context, &self.table, &self.bucket).await?;
        }
    }

    /// One request and its answer.
    async fn ask(
        &self,
        server: i32,
        request: &ScanKvRequest,
        attempt: u32,
    ) -> Result<ScanKvResponse, Failure> {
        let (table, bucket) = (self.table.table_path(), self.bucket);
        let span = debug_span!("scan_request", server, %table, %bucket, attempt);
        let deadline = Instant::now() + self.context.config.request_timeout;
        let connections = self.context.config.connections_per_server;
        let lane = Lane::for_bucket(&self.bucket, connections);
        let mut answer = self
            .context
            .cluster
            .call_server(server, lane, request, deadline)
            .instrument(span)
            .await
            .map_err(Failure::Call)?;
        match ServerError::from_parts(answer.error_code, answer.error_message.take()) {
            Some(refusal) => Err(Failure::Refused(refusal)),
            None => Ok(answer),
        }
    }

    /// A running scan cannot continue on another server: its snapshot is lost.
    fn give_up(&self, failure: Failure) -> Error {
        if failure.moves_leader() {
            let cluster = &self.context.cluster;
            cluster.invalidate_bucket(&self.bucket, cluster.view().generation());
        }
        failure.into_error()
    }

    /// Closes the scan on the server. If that fails, the server notices after some minutes.
    async fn close(&self, server: i32, scanner: Option<Bytes>) {
        let Some(scanner) = scanner else { return };
        let request = ScanKvRequest {
            scanner_id: Some(scanner),
            close_scanner: Some(true),
            ..ScanKvRequest::default()
        };
        if let Err(failure) = self.ask(server, &request, 1).await {
            let error = failure.into_error();
            debug!(bucket = ?self.bucket, %error, "a scan could not be closed");
        }
    }

    fn page_size(&self) -> i32 {
        i32::try_from(self.context.config.scanner_kv_fetch_max_bytes).unwrap_or(i32::MAX)
    }
}

/// Why a request brought nothing.
#[derive(Debug)]
enum Failure {
    /// The server does not want to.
    Refused(ServerError),
    /// There is no answer.
    Call(RpcError),
}

impl Failure {
    /// Whether it is worth another attempt while nothing is read yet.
    fn passes(&self) -> bool {
        match self {
            Self::Refused(error) if error.code == ErrorCode::TOO_MANY_SCANNERS => true,
            Self::Refused(error) => matches!(
                judge(error.code, false, OffsetReset::Error),
                FetchFault::Retry | FetchFault::RefreshAndRetry
            ),
            Self::Call(error) => error.is_retriable(),
        }
    }

    /// Whether the bucket may have another leader by now.
    fn moves_leader(&self) -> bool {
        match self {
            Self::Refused(error) => {
                judge(error.code, false, OffsetReset::Error) == FetchFault::RefreshAndRetry
            }
            Self::Call(error) => error.invalidates_metadata(),
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => Error::from(error),
            Self::Call(error) => Error::from(error),
        }
    }
}
