//! What goes wrong in a simulation.

use std::time::Duration;

use fluss_mock::fault::{self, Fault, Mangle, OnConnect, Rule};
use fluss_mock::{ApiKey, ErrorCode, Port, ServerId};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::world::{BUCKETS, Kind, SERVERS, World};

/// Things that go wrong, one after the other or at the same time.
const FAULTS: u64 = 40;

/// Lets things go wrong, then makes everything whole again.
pub(crate) async fn happen(world: World) {
    let dice = &world.dice;
    for _ in 0..FAULTS {
        sleep(dice.millis(0, 1000)).await;
        if !world.is_written() {
            break;
        }
        match dice.below(12) {
            0..6 => {
                world.cluster.inject(rule(dice));
            }
            6 | 7 => {
                let path = dice.one_of(&[&world.log, &world.keys]);
                let bucket = dice.below(BUCKETS as u64) as i32;
                let bucket = world.cluster.bucket(path, bucket).unwrap();
                let server = dice.below(SERVERS as u64) as i32;
                if dice.once_in(2) {
                    world.cluster.freeze_metadata(server);
                }
                world
                    .cluster
                    .move_leader(&bucket, dice.below(SERVERS as u64) as i32);
                sleep(dice.millis(0, 2000)).await;
                world.cluster.thaw_metadata(server);
            }
            8 => {
                let server = ServerId::from(dice.below(SERVERS as u64) as i32);
                if dice.once_in(2) {
                    world.cluster.kill_server(server);
                } else {
                    world.cluster.stop_server(server);
                }
                sleep(dice.millis(0, 4000)).await;
                let port = dice.one_of(&[Port::Same, Port::Other]);
                world.cluster.start_server(server, port).await.unwrap();
            }
            9 if world.kind == Kind::ForgetfulServers => world.cluster.expire_writers(),
            10 => {
                let path = dice.one_of(&[&world.log, &world.keys]);
                let bucket = dice.below(BUCKETS as u64) as i32;
                let bucket = world.cluster.bucket(path, bucket).unwrap();
                // Writes need two replicas in sync: without both of these the bucket takes none.
                let out = dice.below(SERVERS as u64) as i32;
                let out = [out, (out + 1) % SERVERS];
                world.cluster.shrink_isr(&bucket, &out);
                sleep(dice.millis(0, 3000)).await;
                for server in out {
                    let start = world.cluster.start_server(server, Port::Same);
                    start.await.unwrap();
                }
            }
            _ => {
                let server = dice.below(SERVERS as u64) as i32;
                let slow = world.cluster.throttle(server, dice.millis(1, 400));
                sleep(dice.millis(0, 3000)).await;
                slow.remove();
            }
        }
    }
    world.cluster.remove_faults();
    // Connections that fell silent stay so; servers come back without them.
    for server in 0..SERVERS {
        world.cluster.thaw_metadata(server);
        if dice.once_in(2) {
            let start = world.cluster.start_server(server, Port::Same);
            start.await.unwrap();
        }
    }
}

fn rule(dice: &Dice) -> Rule {
    use ApiKey::{FetchLog, GetMetadata, InitWriter, Lookup, ProduceLog, PutKv};

    if dice.once_in(10) {
        let faults: [fn(OnConnect) -> Rule; 3] =
            [OnConnect::reject, OnConnect::ignore, OnConnect::stay_silent];
        let fault = dice.one_of(&faults);
        return fault(fault::on_connect().times(1 + dice.below(3)));
    }
    let api = dice.one_of(&[
        ProduceLog,
        ProduceLog,
        PutKv,
        PutKv,
        FetchLog,
        Lookup,
        GetMetadata,
        InitWriter,
    ]);
    let mut on = fault::on(api).times(1 + dice.below(4)).skip(dice.below(4));
    if dice.once_in(2) {
        on = on.server(dice.below(SERVERS as u64) as i32);
    }
    if dice.once_in(3) {
        on = on.probability(0.5);
    }
    let late = Duration::from_millis(dice.below(8000));
    match dice.below(16) {
        0 => on.before(Fault::Drop),
        1 => on.after(Fault::Drop),
        2 => on.before(Fault::Close),
        3 | 4 => on.after(Fault::Close),
        5 => on.before(Fault::Delay(late)),
        6 => on.after(Fault::Delay(late)),
        7 => on.times(1).after(Fault::Stall),
        8 => on.before(Fault::BucketError(dice.one_of(&[
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
            ErrorCode::REQUEST_TIME_OUT,
            ErrorCode::NOT_ENOUGH_REPLICAS_EXCEPTION,
        ]))),
        9 => on.after(Fault::BucketError(ErrorCode::REQUEST_TIME_OUT)),
        10 => on.before(Fault::Error(ErrorCode::NETWORK_EXCEPTION)),
        11 => on.mangle(Mangle::Cut {
            after: dice.below(60) as usize,
        }),
        12 => on.times(1).mangle(Mangle::Half {
            after: dice.below(60) as usize,
        }),
        13 => on.mangle(Mangle::RequestId),
        14 => on.mangle(dice.one_of(&[
            Mangle::Twice,
            Mangle::Flip { at: 4 },
            Mangle::Length(3),
            Mangle::Length(-7),
            Mangle::Length(1 << 30),
        ])),
        _ => on.mangle(Mangle::Drip {
            bytes: 1 + dice.below(20) as usize,
            every: Duration::from_millis(dice.below(100)),
        }),
    }
}
