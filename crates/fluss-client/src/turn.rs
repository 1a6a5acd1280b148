//! Cooperative scheduling with tokio: a task that makes calls in a loop without ever having to wait still lets the
//! other tasks of its thread run.

pub(crate) use tokio::task::coop::poll_proceed as poll_turn;

/// Yields if this task has used up its budget. Every public async function starts with it, before it does anything
/// that could be lost. Functions that always send a request can leave it to what they call.
pub(crate) async fn take_turn() {
    tokio::task::coop::consume_budget().await;
}
