//! Nothing leaks by ten thousand connections. The only test of its program: descriptors and threads are those of the whole process,
//! and no other test may open any while they are counted.
#![allow(clippy::unwrap_used, missing_docs, reason = "test code")]

use std::fs;
use std::time::Duration;

use fluss::client::FlussConnection;
use fluss::config::Config;
use fluss_mock::MockCluster;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

const CONNECTS: usize = 10_000;
/// Far longer than any call takes here, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is there at a time.
#[derive(Debug, Clone, Copy)]
struct Census {
    tasks: usize,
    descriptors: usize,
    threads: usize,
}

impl Census {
    fn take() -> Self {
        let count = |directory| fs::read_dir(directory).unwrap().count();
        Self {
            tasks: Handle::current().metrics().num_alive_tasks(),
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }

    /// No more than a few above what there was.
    fn is_back_to(self, before: Self) -> bool {
        self.tasks <= before.tasks + 5
            && self.descriptors <= before.descriptors + 8
            && self.threads <= before.threads + 4
    }
}

#[test]
fn connections_made_and_closed_leave_nothing_behind() {
    // Over sockets, where descriptors could leak.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let cluster = MockCluster::start().await.unwrap();
        let before = Census::take();
        let config = Config {
            bootstrap_server: cluster.bootstrap_servers(),
            connect_timeout: PATIENCE,
            request_timeout: PATIENCE,
            call_timeout: PATIENCE,
            ..Config::default()
        };
        for _ in 0..CONNECTS {
            let connection = FlussConnection::new(config.clone()).await.unwrap();
            connection.close(PATIENCE).await.unwrap();
        }
        // Servers notice by and by that a socket was closed.
        let since = Instant::now();
        let mut after = Census::take();
        while !after.is_back_to(before) && since.elapsed() < PATIENCE {
            sleep(Duration::from_millis(50)).await;
            after = Census::take();
        }
        println!("{before:?}, then {after:?}");
        assert!(after.is_back_to(before), "{before:?} became {after:?}");
    });
}
