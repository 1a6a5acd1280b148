//! Where the tasks of a connection run, and how a thread may wait for them.

use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::config::DriverPlacement;
use crate::error::{Error, Result};

/// The runtime of a connection's drivers: the caller's, or a dedicated thread. Cheap to clone; a dedicated thread
/// ends with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Drivers {
    handle: Handle,
    thread: Option<Arc<OwnThread>>,
}

#[derive(Debug)]
struct OwnThread {
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

/// How a synchronous wait may block the calling thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockingWait {
    /// Blocking would occupy a worker of a multi-thread runtime, so the runtime must be informed.
    TellRuntime,
    /// Blocking does not affect anything that the drivers need.
    InPlace,
    /// The drivers run on this very thread, so it must not block.
    Never,
}

impl Drivers {
    /// Chooses the runtime for a connection created on the current runtime.
    pub(crate) fn start(placement: DriverPlacement) -> Result<Self> {
        let current = Handle::try_current()
            .map_err(|_| Error::usage("a connection must be created inside a tokio runtime"))?;
        let own_thread = match placement {
            DriverPlacement::CallerRuntime => false,
            DriverPlacement::OwnThread => true,
            DriverPlacement::Auto => current.runtime_flavor() == RuntimeFlavor::CurrentThread,
        };
        if own_thread {
            Self::spawn_thread()
        } else {
            Ok(Self {
                handle: current,
                thread: None,
            })
        }
    }

    fn spawn_thread() -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::cannot_start("runtime", error))?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("fluss-client".to_owned())
            .spawn(move || {
                // An error means that the sender was dropped, which is the signal.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })
            .map_err(|error| Error::cannot_start("thread", error))?;
        Ok(Self {
            handle,
            thread: Some(Arc::new(OwnThread { _stop: stop })),
        })
    }

    /// Returns the runtime to spawn on.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns how the current thread may wait for the drivers.
    pub(crate) fn blocking_wait(&self) -> BlockingWait {
        let Ok(current) = Handle::try_current() else {
            return BlockingWait::InPlace;
        };
        match current.runtime_flavor() {
            RuntimeFlavor::CurrentThread
                if self.thread.is_none() && current.id() == self.handle.id() =>
            {
                BlockingWait::Never
            }
            RuntimeFlavor::CurrentThread => BlockingWait::InPlace,
            _ => BlockingWait::TellRuntime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_current_thread_runtime_gets_a_thread_for_the_drivers_unless_told_otherwise() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let auto = Drivers::start(DriverPlacement::Auto).unwrap();
            assert_eq!(auto.blocking_wait(), BlockingWait::InPlace);
            assert_eq!(auto.handle().spawn(async { 7 }).await.unwrap(), 7);
            let stay = Drivers::start(DriverPlacement::CallerRuntime).unwrap();
            assert_eq!(stay.blocking_wait(), BlockingWait::Never);
        });
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_multi_thread_runtime_is_told_of_a_wait() {
        let drivers = Drivers::start(DriverPlacement::Auto).unwrap();
        assert_eq!(drivers.blocking_wait(), BlockingWait::TellRuntime);
        assert!(Drivers::start(DriverPlacement::OwnThread).is_ok());
    }
}
