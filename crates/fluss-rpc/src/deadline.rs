//! Deadlines for callers on any runtime or on none.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

/// Stands for "never" if adding a timeout to the clock would overflow.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// How much later than the driver a caller checks its own clock. The driver knows better what a request waited for.
/// The caller's clock only matters if a driver cannot run, for example because its thread is blocked.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// Now plus `timeout`, without overflow.
pub(crate) fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout.min(FAR)).unwrap_or(now)
}

/// `deadline` plus [`GRACE`].
pub(crate) fn with_grace(deadline: Instant) -> Instant {
    deadline.checked_add(GRACE).unwrap_or(deadline)
}

/// Awaits `future` until `deadline`, by the clock of `runtime`, because the caller may have none.
///
/// # Cancel safety
///
/// The same as that of `future`.
pub(crate) async fn until<F: Future>(
    runtime: &Handle,
    deadline: Instant,
    future: F,
) -> Option<F::Output> {
    let timer = timer(runtime, deadline);
    // In this order: a future that is ready needs no timer, and a runtime that shuts down drops its tasks, which
    // completes the future, before it stops its clock.
    tokio::select! {
        biased;
        output = future => Some(output),
        () = timer => None,
    }
}

/// A timer on the clock of a runtime, for callers on another one or on none. It ends early if that clock has stopped.
pub(crate) fn timer(
    runtime: &Handle,
    deadline: Instant,
) -> impl Future<Output = ()> + Send + use<> {
    let sleep = {
        let _runtime = runtime.enter();
        sleep_until(deadline)
    };
    async move {
        let mut sleep = pin!(sleep);
        poll_fn(|cx| {
            // A timer of a runtime that has ended panics, and checking first cannot rule that out: it may end in
            // between.
            let rung = catch_unwind(AssertUnwindSafe(|| sleep.as_mut().poll(cx)));
            rung.unwrap_or(Poll::Ready(()))
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stopped_ends_a_wait() {
        for workers in [0, 1] {
            let drivers = match workers {
                0 => tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build(),
                _ => tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(workers)
                    .enable_time()
                    .build(),
            };
            let drivers = drivers.unwrap();
            let handle = drivers.handle().clone();
            drop(drivers);
            let deadline = after(Duration::from_secs(3600));
            let waited = until(&handle, deadline, std::future::pending::<()>());
            let elsewhere = tokio::runtime::Builder::new_current_thread().build();
            assert_eq!(elsewhere.unwrap().block_on(waited), None);
        }
    }

    #[test]
    fn no_timeout_overflows_the_clock() {
        assert!(after(Duration::MAX) > Instant::now() + Duration::from_secs(3600));
        assert!(after(Duration::ZERO) <= Instant::now());
    }

    #[test]
    fn a_caller_without_a_clock_is_woken_by_that_of_the_drivers() {
        let drivers = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let without_clock = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        without_clock.block_on(async {
            let deadline = after(Duration::from_millis(5));
            let waited = until(drivers.handle(), deadline, std::future::pending::<()>());
            assert_eq!(waited.await, None);
            let ready = until(drivers.handle(), deadline, std::future::ready(7));
            assert_eq!(ready.await, Some(7));
        });
    }
}
