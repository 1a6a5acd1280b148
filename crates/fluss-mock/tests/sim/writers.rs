//! Those who write, and look up what they wrote.

use fluss::client::{FlussTable, Lookuper, UpsertWriter};
use fluss::row::GenericRow;
use tokio::time::{Instant, sleep};

use crate::world::{CALL, DELIVERY, World};

/// Rows of each writer of the log table.
const APPENDS: u64 = 350;
/// Changes of each writer of the primary-key table.
const PUTS: u64 = 280;
/// Keys of each writer of the primary-key table.
const KEYS: u64 = 15;

pub(crate) fn row(id: u64, value: u64) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, id as i64);
    row.set_field(1, value as i64);
    row
}

/// Appends rows, and waits for the results now and then.
pub(crate) async fn append(world: World, table: FlussTable, number: u64) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let mut pending = Vec::new();
    for count in 0..APPENDS {
        let id = number << 32 | count;
        world.oracle(|oracle| oracle.append(number, id));
        match writer.append(&row(id, number)) {
            Ok(result) => pending.push((id, Instant::now(), result)),
            Err(error) => world.wrong(format!("append: {error}")),
        }
        if world.dice.once_in(4) {
            sleep(world.dice.millis(0, 200)).await;
        }
        if world.dice.once_in(10) || count + 1 == APPENDS {
            for (id, since, result) in pending.drain(..) {
                match world.in_time("an append", since, DELIVERY, result).await {
                    Some(Ok(_)) => world.oracle(|oracle| oracle.acknowledge_append(id)),
                    Some(Err(_)) => world.failed(),
                    None => {}
                }
            }
        }
    }
    world.writer_ends();
}

/// Changes keys of its own, a few at a time, and looks them up.
pub(crate) async fn put(world: World, table: FlussTable, lookup: FlussTable, number: u64) {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let lookuper = lookup.new_lookup().unwrap().create_lookuper().unwrap();
    let mut count = 0;
    while count < PUTS {
        let first = world.dice.below(KEYS);
        let many = 1 + world.dice.below(6);
        let mut pending = Vec::new();
        for step in 0..many {
            count += 1;
            let key = number * KEYS + (first + step) % KEYS;
            let value = (!world.dice.once_in(5)).then_some(number << 32 | count);
            world.oracle(|oracle| oracle.put(key, value));
            match change(&writer, key, value) {
                Ok(result) => pending.push((key, value, Instant::now(), result)),
                Err(error) => world.wrong(format!("a change: {error}")),
            }
        }
        let mut changed = Vec::new();
        for (key, value, since, result) in pending {
            match world.in_time("a change", since, DELIVERY, result).await {
                Some(Ok(_)) => world.oracle(|oracle| oracle.acknowledge_put(key, value)),
                Some(Err(_)) => world.failed(),
                None => {}
            }
            changed.push(key);
        }
        for key in changed {
            if world.dice.once_in(2) {
                check(&world, &lookuper, key).await;
            }
        }
        if world.dice.once_in(2) {
            sleep(world.dice.millis(0, 200)).await;
        }
    }
    world.writer_ends();
}

fn change(
    writer: &UpsertWriter,
    key: u64,
    value: Option<u64>,
) -> fluss::error::Result<fluss::client::WriteResultFuture> {
    match value {
        Some(value) => writer.upsert(&row(key, value)),
        None => writer.delete(&row(key, 0)),
    }
}

/// Looks a key up that nobody is writing. Whether there was an answer.
pub(crate) async fn check(world: &World, lookuper: &Lookuper, key: u64) -> bool {
    let mut wanted = GenericRow::new(1);
    wanted.set_field(0, key as i64);
    let call = lookuper.lookup(&wanted);
    let found = world.in_time("a lookup", Instant::now(), CALL, call).await;
    match found {
        Some(Ok(found)) => {
            let row = found.get_single_row().unwrap();
            let read = row.map(|row| row.get_long(1) as u64);
            world.oracle_says(key, read);
            true
        }
        Some(Err(_)) => {
            world.failed();
            false
        }
        None => false,
    }
}
