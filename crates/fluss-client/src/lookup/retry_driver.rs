//! The task that routes lookups again after their pause.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use fluss_metadata::TableBucket;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::dispatch::dispatch;
use super::entry::Entry;
use super::shared::{CloseOnDrop, Shared};
use crate::clock::FAR_AWAY;
use crate::error::Error;

/// Routes lookups whose pause has ended, learning the leaders that are not known, until it is aborted.
pub(super) async fn drive(close: CloseOnDrop) {
    let shared = Arc::clone(&close.0);
    let mut refreshes = FuturesUnordered::new();
    loop {
        let mut lost = Vec::new();
        let now = Instant::now();
        while let Some(mut entry) = shared.retries.pop_due(now) {
            shared.free_room(std::slice::from_mut(&mut entry));
            if shared
                .context
                .cluster
                .view()
                .leader_of(&entry.bucket)
                .is_some()
            {
                dispatch(&shared, None, entry);
            } else {
                lost.push(entry);
            }
        }
        if !lost.is_empty() {
            refreshes.push(find_leaders(&shared, lost));
        }
        let due = shared.retries.next_due().unwrap_or(now + FAR_AWAY);
        tokio::select! {
            biased;
            () = shared.retries.work.notified() => {}
            Some(()) = refreshes.next(), if !refreshes.is_empty() => {}
            () = sleep_until(due) => {}
        }
    }
}

/// Learns the leaders of the lookups' buckets and sends them on; those without one pause again.
async fn find_leaders(shared: &Arc<Shared>, entries: Vec<Entry>) {
    let mut tables: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for entry in &entries {
        let table = (entry.target.path.clone(), entry.target.table_id);
        tables.entry(table).or_default().insert(entry.bucket);
    }
    // A lookup that runs out of time fails then; the refresh continues for the others, which join it when they are here again.
    let soonest = entries.iter().map(|entry| entry.deadline).min();
    let until = soonest.unwrap_or_else(Instant::now);
    let cluster = &shared.context.cluster;
    let mut failures = HashMap::new();
    let mut unanswered = false;
    for ((path, table), buckets) in tables {
        let buckets: Vec<_> = buckets.into_iter().collect();
        let refresh = async {
            cluster.refresh_buckets(&path, &buckets).await?;
            cluster.check_identity(&path, table).await
        };
        match timeout_at(until, refresh).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                failures.insert(table, Error::from(error));
            }
            Err(_) => unanswered = true,
        }
    }
    for mut entry in entries {
        if cluster.view().leader_of(&entry.bucket).is_some() {
            dispatch(shared, None, entry);
            continue;
        }
        let (path, table) = (&entry.target.path, entry.target.table_id);
        if let Some(name) = &entry.partition
            && !failures.contains_key(&table)
        {
            // The partition may have been dropped, or re-created under its name.
            let search = cluster.partition_of(path, table, name);
            match timeout_at(until, search).await {
                Err(_) => unanswered = true,
                Ok(Ok(None)) => {
                    let nothing = entry.target.kind.nothing();
                    entry.answer(nothing);
                    continue;
                }
                Ok(Ok(Some(id))) => {
                    let bucket = entry.bucket.bucket_id();
                    entry.bucket = TableBucket::new_with_partition(table, Some(id), bucket);
                }
                Ok(Err(error)) => {
                    failures.insert(table, Error::from(error));
                }
            }
        }
        match failures.get(&table) {
            Some(error) if !error.is_retriable() => entry.fail(error.clone()),
            Some(error) => shared.retry(entry, error.clone()),
            None => {
                let why = entry.last_error.take().filter(|_| unanswered);
                let election = || {
                    Error::timeout(
                        "the election of a leader",
                        shared.context.config.call_timeout,
                    )
                };
                let error = why.map_or_else(election, |error| *error);
                shared.retry(entry, error);
            }
        }
    }
}
