//! Random messages of every kind go there and back.

use fluss_wire::api::TABLE;
use fluss_wire::frame::decode_request;

use crate::schema::{EmptyPacked, Rng, Schema};

#[test]
fn random_messages_of_every_api_survive_the_round_trip() {
    let schema = Schema::of("1.0.0");
    let mut rng = Rng::new(1);
    for entry in TABLE {
        for round in 0..100 {
            let body = schema.random_body(entry.request, &mut rng, 3);
            let bytes = schema.encode(entry.request, &body, EmptyPacked::Absent);
            let java = schema.encode(entry.request, &body, EmptyPacked::TagAndZero);
            let message = entry.key.decode_request(bytes.clone().into()).unwrap();
            assert_eq!(
                message.encode_to_vec(),
                bytes,
                "{} {round}: {body}",
                entry.request
            );
            let from_java = entry.key.decode_request(java.into()).unwrap();
            assert_eq!(
                from_java.encode_to_vec(),
                bytes,
                "{} {round}: {body}",
                entry.request
            );

            // Also through a frame, which has its own way with records.
            let frame = message
                .encode_request(1, round)
                .unwrap()
                .into_bytes()
                .slice(4..);
            let request = decode_request(frame).unwrap();
            assert_eq!(
                (request.api_key, request.api_version, request.request_id),
                (entry.key.code(), 1, round)
            );
            assert_eq!(request.body, bytes, "{} {round}: {body}", entry.request);

            let body = schema.random_body(entry.response, &mut rng, 3);
            let bytes = schema.encode(entry.response, &body, EmptyPacked::Absent);
            let message = entry.key.decode_response(bytes.clone().into()).unwrap();
            assert_eq!(
                message.encode_to_vec(),
                bytes,
                "{} {round}: {body}",
                entry.response
            );
        }
    }
}

#[test]
fn numbers_are_read_unpacked_as_well() {
    use fluss_wire::{codec, message::MetadataRequest};
    // field 3, as two varints, then packed, then packed and empty
    let body = [0x18, 5, 0x18, 6, 0x1a, 2, 7, 8, 0x1a, 0];
    let message: MetadataRequest = codec::decode(body.to_vec().into()).unwrap();
    assert_eq!(message.partitions_id, [5, 6, 7, 8]);
}

#[test]
fn unknown_fields_are_skipped() {
    use fluss_wire::{codec, message::PbTablePath};
    // field 100 as a number, field 101 as bytes, around the two that are known
    let body = [0xa0, 6, 1, 0x0a, 1, b'd', 0xaa, 6, 2, 9, 9, 0x12, 1, b't'];
    let message: PbTablePath = codec::decode(body.to_vec().into()).unwrap();
    assert_eq!(
        (message.database_name.as_str(), message.table_name.as_str()),
        ("d", "t")
    );
}
