//! Bytes that are cut off, altered or made up: errors, never a panic, and never far more memory than input.

use bytes::{Bytes, BytesMut};
use fluss_wire::api::{ApiKey, TABLE};
use fluss_wire::frame::{FrameDecoder, Response, decode_request, decode_response};
use fluss_wire::sasl::PlainCredentials;

use crate::schema::{Rng, hex, load};

/// Reads whatever `stream` holds the way both sides do, and says how many frames and messages that were.
fn read(stream: &[u8], api: ApiKey) -> (usize, usize) {
    let mut stream = BytesMut::from(stream);
    let capacity = stream.capacity();
    let mut decoder = FrameDecoder::new(1 << 20);
    let (mut frames, mut messages) = (0, 0);
    while let Ok(Some(frame)) = decoder.decode(&mut stream) {
        frames += 1;
        if let Ok(request) = decode_request(frame.clone()) {
            let api = ApiKey::from_code(request.api_key).unwrap_or(api);
            messages += usize::from(api.decode_request(request.body).is_ok());
        }
        if let Ok(Response::Success { body, .. }) = decode_response(frame) {
            messages += usize::from(api.decode_response(body).is_ok());
        }
    }
    assert!(
        stream.capacity() <= capacity,
        "the decoder reserves nothing"
    );
    assert!(decoder.needed() <= 64 * 1024);
    (frames, messages)
}

fn frames(file: &str) -> Vec<(ApiKey, Vec<u8>)> {
    let api = |code: Option<i64>| code.and_then(|code| ApiKey::from_code(code as i16));
    load(file)
        .iter()
        .filter(|case| case["frame"].is_string())
        .map(|case| {
            (
                api(case["api_key"].as_i64()).unwrap_or(ApiKey::ApiVersions),
                hex(&case["frame"]),
            )
        })
        .collect()
}

const FILES: [&str; 4] = [
    "rpc_request.json",
    "rpc_response.json",
    "rpc_error.json",
    "client_requests.json",
];

#[test]
fn a_frame_cut_off_anywhere_is_incomplete() {
    for file in FILES {
        for (api, frame) in frames(file) {
            for end in 0..frame.len() {
                assert_eq!(read(&frame[..end], api), (0, 0), "{file} {api} up to {end}");
            }
            assert_eq!(read(&frame, api).0, 1, "{file} {api}");
        }
    }
}

#[test]
fn a_message_cut_off_anywhere_is_an_error_or_a_shorter_message() {
    for file in ["rpc_request.json", "rpc_response.json"] {
        for (api, frame) in frames(file) {
            let header = if file == "rpc_request.json" { 12 } else { 9 };
            for end in header..frame.len() {
                let body = Bytes::copy_from_slice(&frame[header..end]);
                if file == "rpc_request.json" {
                    drop(api.decode_request(body));
                } else {
                    drop(api.decode_response(body));
                }
            }
            // and inside the header, with a length that agrees
            for end in 4..header {
                let cut = Bytes::copy_from_slice(&frame[4..end]);
                assert!(
                    decode_request(cut.clone()).is_err() || end == 12,
                    "{file} {api} up to {end}"
                );
                assert!(
                    decode_response(cut).is_err() || end >= 9,
                    "{file} {api} up to {end}"
                );
            }
        }
    }
}

#[test]
fn altered_frames_never_panic() {
    let mut rng = Rng::new(2);
    let originals: Vec<_> = FILES.iter().flat_map(|file| frames(file)).collect();
    let mut understood = 0;
    for _ in 0..300_000 {
        let (api, frame) = &originals[rng.below(originals.len())];
        let mut frame = frame.clone();
        for _ in 0..=rng.below(3) {
            // Most changes spare the length, or nothing behind it would be read.
            let at = if frame.len() > 4 && rng.below(8) > 0 {
                4 + rng.below(frame.len() - 4)
            } else {
                rng.below(4)
            };
            match rng.below(4) {
                0 => frame[at] ^= 1 << rng.below(8),
                1 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5)],
                2 => frame[at] = rng.next() as u8,
                _ => {
                    frame.remove(at);
                    frame.insert(4, 0x80);
                }
            }
        }
        understood += read(&frame, *api).1;
    }
    println!("of 300000 altered frames {understood} could still be read");
}

#[test]
fn made_up_messages_never_panic() {
    let mut rng = Rng::new(3);
    for round in 0..400 {
        for entry in TABLE {
            let length = rng.below(64);
            let mut body = rng.bytes(length);
            // small keys and lengths reach further than large ones
            if round % 2 == 0 {
                for byte in &mut body {
                    *byte &= 0x1f;
                }
            }
            let body = Bytes::from(body);
            drop(entry.key.decode_request(body.clone()));
            drop(entry.key.decode_response(body.clone()));
            let _ = PlainCredentials::parse(&body);
        }
    }
}

#[test]
fn forged_counts_and_lengths_allocate_nothing() {
    // A length of nearly 2 GiB or 2^63 in front of each field number that could be a message, text, bytes or packed.
    for length in [
        &[0xff, 0xff, 0xff, 0xff, 0x07][..],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ] {
        for number in 1..16_u8 {
            let body = Bytes::from([&[number << 3 | 2][..], length, &[0; 16]].concat());
            for entry in TABLE {
                assert!(
                    entry.key.decode_request(body.clone()).is_err(),
                    "{} {number}",
                    entry.request
                );
                assert!(
                    entry.key.decode_response(body.clone()).is_err(),
                    "{} {number}",
                    entry.response
                );
            }
        }
    }
}
