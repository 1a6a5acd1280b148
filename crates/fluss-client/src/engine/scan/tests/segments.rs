//! Segments of the log in remote storage.

use super::*;

#[test]
fn remote_segments_are_read_one_after_the_other_and_then_the_log() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let segment = |start: i64, end: i64| RemoteSegment {
        id: format!("s{start}"),
        start_offset: start,
        end_offset: end,
        size: 1_000,
    };
    let cursor = RemoteCursor {
        dir: "/remote".into(),
        segments: [segment(0, 10), segment(10, 20)].into(),
        position: 200,
    };
    scan.answer(&fetch, Answer::Remote(cursor));
    for (position, bytes, next, after) in [
        (200, 500, 5, Some((700, "s0"))),
        (700, 300, 10, Some((0, "s10"))),
        (0, 1_000, 20, None),
    ] {
        let read = scan.plan().remote.remove(0);
        assert_eq!(read.cursor.position, position);
        let cursor = read.cursor.advance(bytes);
        assert_eq!(
            cursor
                .as_ref()
                .ok()
                .map(|c| (c.position, c.segments[0].id.as_str())),
            after
        );
        let answer = Answer::RemoteRead {
            bytes: bytes as usize,
            next_offset: Some(next),
            cursor,
        };
        let ticket = scan
            .engine
            .on_answer(&read.bucket, read.generation, answer, scan.now)
            .unwrap();
        scan.engine.on_decode_end(&read.bucket, ticket, Ok(()));
    }
    let plan = scan.plan();
    assert!(plan.remote.is_empty());
    assert_eq!(plan.fetches[0].buckets[0].offset, 20);
}

#[test]
fn a_failed_read_of_a_segment_asks_the_server_again() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let cursor = RemoteCursor {
        dir: "/gone".into(),
        segments: [RemoteSegment {
            id: "s".into(),
            start_offset: 0,
            end_offset: 9,
            size: 10,
        }]
        .into(),
        position: 0,
    };
    scan.answer(&fetch, Answer::Remote(cursor));
    let read = scan.plan().remote.remove(0);
    scan.engine.on_answer(
        &read.bucket,
        read.generation,
        Answer::Retry {
            until: scan.now,
            error: Error::corrupt("gone"),
        },
        scan.now,
    );
    assert_eq!(scan.plan().fetches[0].buckets[0].offset, 0);
}
