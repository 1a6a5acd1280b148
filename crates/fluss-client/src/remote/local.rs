//! Local files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ReadFault;

/// Maximum concurrent reads of one connection. A read from a disk that does not respond keeps its thread, even if its
/// caller gives up.
const MOST_READS: usize = 16;

/// Reads files on threads that may block on the disk.
#[derive(Debug)]
pub(super) struct LocalFiles {
    reads: Arc<Semaphore>,
}

impl Default for LocalFiles {
    fn default() -> Self {
        Self {
            reads: Arc::new(Semaphore::new(MOST_READS)),
        }
    }
}

impl LocalFiles {
    /// Reads a piece of a file, within `patience`.
    pub(super) async fn read(
        &self,
        runtime: &Handle,
        path: &Path,
        range: Range<u64>,
        patience: Duration,
    ) -> Result<Bytes, ReadFault> {
        let passing = |why: String| ReadFault::Passing(why);
        let reads = Arc::clone(&self.reads);
        let path = path.to_owned();
        let read = async {
            let turn = reads.acquire_owned().await;
            let read = move || {
                let _turn = turn;
                read(&path, range)
            };
            runtime.spawn_blocking(read).await
        };
        timeout(patience, read)
            .await
            .map_err(|_| passing(format!("the file was not read within {patience:?}")))?
            .map_err(|error| passing(error.to_string()))?
            .map_err(|error| passing(error.to_string()))
    }
}

fn read(path: &Path, range: Range<u64>) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let wanted = range.end.saturating_sub(range.start);
    // The size of the file, not the request, limits the allocation.
    let there = file.metadata()?.len().saturating_sub(range.start);
    let mut piece = Vec::with_capacity(usize::try_from(wanted.min(there)).unwrap_or(0));
    file.take(wanted).read_to_end(&mut piece)?;
    Ok(Bytes::from(piece))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use std::fs::OpenOptions;
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn reads_that_do_not_end_are_given_up_and_take_no_more_than_their_threads() {
        let directory = std::env::temp_dir();
        let path = |name| directory.join(format!("fluss-local-{name}-{}", std::process::id()));
        let (pipe, file): (PathBuf, PathBuf) = (path("pipe"), path("file"));
        std::fs::write(&file, "0123456789").unwrap();
        // A pipe that nobody writes to is as silent as a disk that does not answer.
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );

        let files = LocalFiles::default();
        let runtime = Handle::current();
        let short = Duration::from_millis(20);
        for _ in 0..MOST_READS + 4 {
            let read = files.read(&runtime, &pipe, 0..10, short).await;
            assert!(matches!(read, Err(ReadFault::Passing(why)) if why.contains("20ms")));
        }
        assert_eq!(files.reads.available_permits(), 0);
        assert!(files.read(&runtime, &file, 2..5, short).await.is_err());

        // Whoever waits for the other end goes on.
        let end = OpenOptions::new().read(true).write(true).open(&pipe);
        let long = Duration::from_secs(60);
        let read = files.read(&runtime, &file, 2..5, long).await.unwrap();
        assert_eq!(read, "234");
        drop(end);
        std::fs::remove_file(pipe).unwrap();
        std::fs::remove_file(file).unwrap();
    }
}
