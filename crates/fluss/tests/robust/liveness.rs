//! Each call against servers that fall silent in eight ways: it ends by the time it has, with an error that tells what went on.
//! (rust#398, fluss#279, fluss#2749: requests had no time at all.)

use std::time::Duration;

use fluss_mock::fault::{self, Fault, Mangle, Rule};
use tokio::time::{Instant, timeout};

use crate::calls::{Call, Kind, all};
use crate::support::Bench;

/// What no call takes: the longest has the delivery timeout of the writer, and the pauses between its last attempts.
const HANG: Duration = Duration::from_secs(60);

/// A way of falling silent: its name and its rules.
type Silence = (&'static str, fn() -> Vec<Rule>);

const SILENCES: &[Silence] = &[
    ("not accepting", || {
        vec![
            fault::on_connect().ignore(),
            fault::on_any().before(Fault::Close),
        ]
    }),
    ("silent", || vec![fault::on_any().before(Fault::Stall)]),
    ("half a frame", || {
        vec![fault::on_any().mangle(Mangle::Half { after: 7 })]
    }),
    ("wrong request id", || {
        vec![fault::on_any().mangle(Mangle::RequestId)]
    }),
    ("short frame", || {
        vec![fault::on_any().mangle(Mangle::Length(3))]
    }),
    ("a byte a second", || {
        vec![fault::on_any().mangle(Mangle::Drip {
            bytes: 1,
            every: Duration::from_secs(1),
        })]
    }),
    ("reset", || vec![fault::on_any().before(Fault::Close)]),
    ("after the deadline", || {
        vec![fault::on_any().after(Fault::Delay(Duration::from_secs(40)))]
    }),
];

/// The call's time and error, if it ended.
async fn ends(call: &Call, rules: fn() -> Vec<Rule>) -> Result<(Duration, Option<String>), ()> {
    let bench = Bench::newer().await;
    for rule in rules() {
        bench.cluster.inject(rule);
    }
    let began = Instant::now();
    let outcome = timeout(HANG, (call.make)(bench.clone())).await;
    let error = outcome.map_err(drop)?.err();
    Ok((began.elapsed(), error.map(|error| error.to_string())))
}

/// Whether the text has a number of milliseconds or seconds: how long it was waited, or how long an attempt may take.
fn tells_time(text: &str) -> bool {
    let words = || text.split(|c: char| c.is_whitespace() || ",;:()".contains(c));
    words().zip(words().skip(1)).any(|(number, unit)| {
        number.parse::<f64>().is_ok() && ["min", "s", "ms", "µs", "ns"].contains(&unit)
    })
}

#[tokio::test(start_paused = true)]
async fn every_call_ends_in_time_whatever_silence_it_meets() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for (silence, rules) in SILENCES {
        for call in all() {
            cases += 1;
            let name = format!("{} against {silence}", call.name);
            match ends(call, *rules).await {
                Err(()) => wrong.push(format!("{name}: hangs")),
                Ok((_, None)) if call.kind == Kind::Asks => {
                    wrong.push(format!("{name}: claims to have succeeded"));
                }
                Ok((took, None)) => {
                    if took > Duration::from_secs(10) {
                        wrong.push(format!("{name}: took {took:?}"));
                    }
                }
                Ok((took, Some(text))) => {
                    println!("{name}: {took:?}: {text}");
                    let names_somebody = text.contains("server") || text.contains("192.0.2.1");
                    // An error that came at once waited for nothing.
                    let waited = took > Duration::from_millis(1);
                    let says_nothing = text.contains("within 0 ms");
                    if !names_somebody || says_nothing || (waited && !tells_time(&text)) {
                        wrong.push(format!("{name}: after {took:?}: {text}"));
                    }
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases >= 200, "{cases} cases");
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test(start_paused = true)]
async fn every_call_succeeds_while_the_servers_answer() {
    for call in all() {
        let (_, error) = ends(call, Vec::new).await.expect(call.name);
        assert_eq!(error, None, "{}", call.name);
    }
}
