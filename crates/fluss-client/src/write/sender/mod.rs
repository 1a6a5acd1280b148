//! The task that sends: it owns the engine, takes what appenders left, and carries out what the engine decides.
//!
//! Everything it waits for (answers, sealed batches, leaders, writer ids) is a future in one set, polled by this task, so an answer
//! reaches the engine without another hop.

mod act;
mod copies;
mod events;
mod moving;
mod pending;
mod run;
mod seal;
mod state;
mod upkeep;

#[cfg(test)]
pub(super) use seal::READY;
pub(super) use state::Sender;
