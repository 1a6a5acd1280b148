//! The part that calls take in tokio's cooperative scheduling: a task that calls again and again, and never has to wait, still lets the
//! other tasks of its thread run.

pub(crate) use tokio::task::coop::poll_proceed as poll_turn;

/// Waits for the next turn of this task if it has used up the budget of this one. Every public asynchronous function begins with it,
/// where nothing is done yet that could be lost; those that send requests anyway may leave it to what they call.
pub(crate) async fn take_turn() {
    tokio::task::coop::consume_budget().await;
}
