//! Frames and messages as the official Java classes make them.
//!
//! About empty packed fields: Java writes tag and length 0 for a repeated number without elements, prost writes
//! nothing; both are valid and mean the same. So a body is compared with what the schema-driven encoder of these tests
//! gives in either habit: Java's bytes must be the one, ours the other. Where a body has no such field the two are the
//! same, and our bytes are Java's.

use bytes::{Bytes, BytesMut};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::{
    FrameDecoder, Response, decode_request, decode_response, encode_error, encode_server_failure,
};
use serde_json::Value;

use crate::schema::{EmptyPacked, Schema, hex, is_in, run, to_hex};

/// The one frame in `bytes`, without its length.
fn cut(bytes: &[u8]) -> Bytes {
    let mut stream = BytesMut::from(bytes);
    let frame = FrameDecoder::new(bytes.len())
        .decode(&mut stream)
        .unwrap()
        .unwrap();
    assert!(stream.is_empty());
    frame
}

/// Body bytes of a case in our habit, after Java's have been found to be what its body says.
struct Bodies {
    released: [Schema; 2],
    /// Cases whose bytes are the same in both habits.
    same: usize,
}

impl Bodies {
    fn new() -> Self {
        Self {
            released: [Schema::of("0.9.1"), Schema::of("1.0.0")],
            same: 0,
        }
    }

    fn ours(&mut self, name: &str, case: &Value) -> Vec<u8> {
        let [old, new] = &self.released;
        // Common to both releases means: without the fields that only the later one has.
        let schema = if is_in(case, "0.9.1") { old } else { new };
        let message = case["message"].as_str().unwrap();
        let java = schema.encode(message, &case["body"], EmptyPacked::TagAndZero);
        assert_eq!(
            to_hex(&java),
            case["body_bytes"],
            "{name}: the test's own encoder"
        );
        let ours = new.encode(message, &case["body"], EmptyPacked::Absent);
        if ours == java {
            self.same += 1;
        }
        ours
    }
}

fn requests(file: &str) {
    let mut bodies = Bodies::new();
    run(file, |name, case| {
        if let Some(refusal) = case["error"]["message"].as_str() {
            // Java's builder of the request refuses it, so there are no bytes; building requests is the client's part.
            assert!(refusal.contains("ColumnPositionType"), "{name}");
            return;
        }
        let ours = bodies.ours(name, case);
        let frame = hex(&case["frame"]);
        let request = decode_request(cut(&frame)).unwrap();
        assert_eq!(request.api_key, case["api_key"], "{name}");
        assert_eq!(request.api_version, case["api_version"], "{name}");
        assert_eq!(request.request_id, case["request_id"], "{name}");
        assert_eq!(request.body, hex(&case["body_bytes"]), "{name}");

        let api = ApiKey::from_code(request.api_key).unwrap();
        assert_eq!(api.name(), case["api"], "{name}");
        assert_eq!(api.entry().request, case["message"], "{name}");
        let message = api
            .decode_request(request.body.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(message.api_key(), api, "{name}");
        assert_eq!(to_hex(&message.encode_to_vec()), to_hex(&ours), "{name}");

        let sent = message
            .encode_request(request.api_version, request.request_id)
            .unwrap();
        assert_eq!(sent.len_bytes(), 12 + ours.len(), "{name}");
        let sent = sent.into_bytes();
        if ours == request.body {
            assert_eq!(sent, frame, "{name}");
        } else {
            assert_eq!(sent[4..12], frame[4..12], "{name}");
            assert_eq!(cut(&sent)[8..], ours, "{name}");
        }
    });
    println!(
        "{file}: {} cases byte for byte, the others but for empty packed fields",
        bodies.same
    );
}

#[test]
fn requests_are_read_and_written_as_java_does() {
    requests("rpc_request.json");
}

#[test]
fn requests_of_the_java_client_are_read_and_written_alike() {
    requests("client_requests.json");
}

#[test]
fn responses_are_read_and_written_as_java_does() {
    let mut bodies = Bodies::new();
    run("rpc_response.json", |name, case| {
        let ours = bodies.ours(name, case);
        let frame = hex(&case["frame"]);
        assert_eq!(frame[4], case["response_type"], "{name}");
        let Response::Success { request_id, body } = decode_response(cut(&frame)).unwrap() else {
            panic!("{name} is a success");
        };
        assert_eq!(request_id, case["request_id"], "{name}");
        assert_eq!(body, hex(&case["body_bytes"]), "{name}");

        let api =
            ApiKey::from_code(i16::try_from(case["api_key"].as_i64().unwrap()).unwrap()).unwrap();
        assert_eq!(api.entry().response, case["message"], "{name}");
        let message = api
            .decode_response(body.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(to_hex(&message.encode_to_vec()), to_hex(&ours), "{name}");

        let sent = message.encode_success(request_id).unwrap().into_bytes();
        if ours == body {
            assert_eq!(sent, frame, "{name}");
        } else {
            assert_eq!(sent[4..9], frame[4..9], "{name}");
            assert_eq!(cut(&sent)[5..], ours, "{name}");
        }
    });
    println!(
        "rpc_response.json: {} cases byte for byte, the others but for empty packed fields",
        bodies.same
    );
}

#[test]
fn errors_are_read_and_written_as_java_does() {
    run("rpc_error.json", |name, case| {
        let frame = hex(&case["frame"]);
        let code = i32::try_from(case["error_code"].as_i64().unwrap()).unwrap();
        let expected = ServerError {
            code: ErrorCode::new(code),
            message: case["error_message"].as_str().map(str::to_owned),
        };
        assert_eq!(frame[4], case["response_type"], "{name}");
        let (error, sent) = match decode_response(cut(&frame)).unwrap() {
            Response::Error { request_id, error } => {
                assert_eq!(request_id, case["request_id"], "{name}");
                let sent = encode_error(request_id, &error);
                (error, sent)
            }
            Response::ServerFailure { error } => {
                assert_eq!(case["request_id"], Value::Null, "{name}");
                let sent = encode_server_failure(&error);
                (error, sent)
            }
            Response::Success { .. } => panic!("{name} is an error"),
        };
        assert_eq!(error, expected, "{name}");
        assert_eq!(sent.unwrap().into_bytes(), frame, "{name}");
        if expected.message.is_some() {
            assert_eq!(error.text(), case["message_used"], "{name}");
        } else {
            // DIFFERS: for an error without a text Java has a sentence for each code, and we have another one.
            assert!(case["message_used"].is_string(), "{name}");
            assert_eq!(error.text(), error.code.description(), "{name}");
        }
    });
}
