//! Runs scenarios in processes of their own and sums them up.

mod child;
mod report;
mod rounds;
mod server;
mod statistics;
mod times;
mod usage;

pub(crate) use child::answer;
pub(crate) use rounds::run;
pub(crate) use statistics::Latency;
pub(crate) use times::Times;
pub(crate) use usage::{Cost, Meter, peak_and_threads};
