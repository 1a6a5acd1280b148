//! Reading log segments that the servers moved to remote storage, a piece at a time.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fluss_wire::error_code::{ErrorCode, ServerError};
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span};

use super::Shared;
use super::decode::{Source, decode, split};
use super::driver::retry;
use super::fetch::Decode;
use crate::engine::scan::{Answer, RemotePlan};
use crate::error::{Error, Result};

/// Bytes in front of a batch's length and those of the length itself: what is needed to know how long a batch is.
const LENGTH_PREFIX: usize = 12;

/// Reads the next piece of a segment and hands over its batches.
pub(super) async fn run(shared: &Shared, plan: RemotePlan) {
    let bucket = plan.bucket;
    shared.metrics.remote_requests.increment(1);
    let outcome = read_batches(shared, &plan)
        .instrument(debug_span!("remote_read", ?bucket, offset = plan.offset))
        .await;
    let now = Instant::now().into_std();
    let (answer, batches) =
        match outcome {
            Ok(Some((read, bytes))) => {
                shared.metrics.remote_bytes.increment(bytes as u64);
                let mut batches = split(&read, plan.offset);
                let answer =
                    match batches.whole_bytes {
                        0 => Answer::Failed(batches.broken.take().unwrap_or_else(|| {
                            Error::corrupt("a remote segment ends within a batch")
                        })),
                        whole => Answer::RemoteRead {
                            bytes: whole,
                            next_offset: batches.next_offset,
                            cursor: plan.cursor.advance(whole as u64),
                        },
                    };
                (answer, Some((batches.whole, batches.broken)))
            }
            // The segment is gone, or cannot be read now: the server knows where its records are by now.
            Ok(None) => {
                shared.metrics.remote_errors.increment(1);
                (
                    retry(
                        shared,
                        &bucket,
                        Error::from(ServerError::new(
                            ErrorCode::LOG_STORAGE_EXCEPTION,
                            "a remote segment of the log cannot be read",
                        )),
                    ),
                    None,
                )
            }
            Err(error) => {
                shared.metrics.remote_errors.increment(1);
                (Answer::Failed(error), None)
            }
        };
    let ticket = shared
        .engine()
        .on_answer(&bucket, plan.generation, answer, now);
    shared.work.notify_one();
    match (ticket, batches) {
        (Some(ticket), Some((batches, broken))) => {
            decode(
                shared,
                Decode {
                    bucket,
                    ticket,
                    from: plan.offset,
                    batches,
                    broken,
                    source: Source::Whole,
                },
            )
            .await;
        }
        _ => shared.data.notify_one(),
    }
}

/// At least one whole batch from the cursor on, and the bytes read for it. `None` if the file is not there, or not readable now.
async fn read_batches(shared: &Shared, plan: &RemotePlan) -> Result<Option<(Bytes, usize)>> {
    let Some(segment) = plan.cursor.segments.front() else {
        return Err(Error::corrupt("there is no remote segment left to read"));
    };
    let path = local_path(&plan.cursor.dir)?.join(segment.file());
    let left =
        usize::try_from(segment.size.saturating_sub(plan.cursor.position)).unwrap_or(usize::MAX);
    let most = shared.connection().config.scanner_max_batch_bytes;
    let mut wanted = plan.max_bytes.max(LENGTH_PREFIX).min(left);
    loop {
        let piece = match read_piece(shared, path.clone(), plan.cursor.position, wanted).await {
            Ok(piece) => piece,
            Err(error) => {
                debug!(path = %path.display(), %error, "remote segment not read");
                return Ok(None);
            }
        };
        let needed = first_batch_size(&piece);
        if needed <= piece.len() || wanted >= left {
            return Ok(Some((piece.clone(), piece.len())));
        }
        if needed > most {
            return Err(Error::corrupt(format!(
                "a batch of {needed} bytes at byte {} of segment {}, at most {most} are read",
                plan.cursor.position, segment.id
            )));
        }
        wanted = needed.min(left);
    }
}

/// Size of the first batch, as far as its first bytes tell.
fn first_batch_size(piece: &[u8]) -> usize {
    let length = piece
        .get(8..LENGTH_PREFIX)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, i32::from_le_bytes);
    LENGTH_PREFIX + usize::try_from(length).unwrap_or(0)
}

/// Reads up to `wanted` bytes on a thread that may wait for a disk.
async fn read_piece(
    shared: &Shared,
    path: PathBuf,
    position: u64,
    wanted: usize,
) -> io::Result<Bytes> {
    let read = move || read_from(&path, position, wanted);
    let task = shared.connection().drivers.handle().spawn_blocking(read);
    task.await
        .map_err(|error| io::Error::new(ErrorKind::Interrupted, error))?
}

fn read_from(path: &Path, position: u64, wanted: usize) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(position))?;
    let mut piece = Vec::with_capacity(wanted);
    file.take(wanted as u64).read_to_end(&mut piece)?;
    if piece.is_empty() && wanted > 0 {
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the segment is shorter than the server says",
        ));
    }
    Ok(Bytes::from(piece))
}

/// The directory on this machine that a URI of the server names.
fn local_path(uri: &str) -> Result<PathBuf> {
    let Some((scheme, rest)) = uri.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Ok(PathBuf::from(uri));
    };
    if !scheme.eq_ignore_ascii_case("file") {
        return Err(Error::usage(format!(
            "records of the log are in remote storage {scheme}://, which this client does not read; it reads local files (file://)"
        )));
    }
    let path = rest.strip_prefix("//").map_or(rest, |with_host| {
        with_host
            .find('/')
            .map_or("", |slash| with_host.get(slash..).unwrap_or_default())
    });
    if path.is_empty() {
        Err(Error::corrupt(format!(
            "remote storage {uri:?} names no directory"
        )))
    } else {
        Ok(PathBuf::from(path))
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;

    #[test]
    fn local_directories_are_found_and_other_schemes_are_named() {
        let cases = [
            ("/data/remote", Some("/data/remote")),
            ("file:///data/remote", Some("/data/remote")),
            ("file:/data/remote", Some("/data/remote")),
            ("file://host/data", Some("/data")),
            ("s3://bucket/data", None),
            ("hdfs://host:9000/data", None),
        ];
        for (uri, expected) in cases {
            match (local_path(uri), expected) {
                (Ok(path), Some(expected)) => assert_eq!(path, Path::new(expected), "{uri}"),
                (Err(error), None) => {
                    assert_eq!(error.kind(), error::ErrorKind::Usage);
                    assert!(
                        error
                            .to_string()
                            .contains(uri.split(':').next().unwrap_or_default()),
                        "{error}"
                    );
                }
                (outcome, _) => unreachable!("{uri}: {outcome:?}"),
            }
        }
    }
}
