//! The enums of the protocol itself against those of the official Java classes.

use fluss_wire::frame::{REQUEST_HEADER_BYTES, ResponseType};

use crate::schema::run_part;

fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "rpc.protocol.RequestType" | "rpc.protocol.ResponseType"
    )
}

#[test]
fn enums_of_the_protocol_have_the_numbers_of_java() {
    run_part("enums.json", is_ours, |name, case| {
        let codes = case["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| (value["name"].as_str().unwrap(), &value["field_id"]))
            .collect::<Vec<_>>();
        if name == "rpc.protocol.ResponseType" {
            let ours = [
                ("SUCCESS_RESPONSE", ResponseType::Success as i64),
                ("ERROR_RESPONSE", ResponseType::Error as i64),
                ("SERVER_FAILURE", ResponseType::ServerFailure as i64),
            ];
            assert_eq!(codes.len(), ours.len());
            for ((name, code), ours) in codes.into_iter().zip(ours) {
                assert_eq!((name, code.as_i64().unwrap()), ours);
            }
        } else {
            // The server tells its own protocol from Kafka's by the port a request came in at. The number is never sent: a request is
            // its key, its version and its id, which leave no byte for it.
            assert_eq!(REQUEST_HEADER_BYTES, 2 + 2 + 4);
            assert!(codes.iter().any(|(name, _)| *name == "FLUSS"));
        }
    });
}
