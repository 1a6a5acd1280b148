//! The decisions of lookups: what is packed into one request, when it goes out, and what an error means.
//!
//! Pure: nothing here waits, locks or reads a clock. `crate::lookup` drives it.

mod queue;
mod retry;

pub(crate) use queue::{LookupQueue, PackLimits};
pub(crate) use retry::{LookupFault, RetryQueue, judge};
