//! The example program prints what it should.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "an example is a program of its own"
)]
#[path = "../../examples/decode_frame.rs"]
mod decode_frame;

#[test]
fn the_example_decodes_requests_and_responses() {
    let lines = decode_frame::requests(
        "0000001603e80000000000000a05666c757373120530 2e312e300000"
            .replace(' ', "")
            .as_str(),
    );
    assert_eq!(
        lines.unwrap(),
        [
            "request 0: API_VERSIONS (1000) version 0: ApiVersionsRequest { client_software_name: \"fluss\", \
             client_software_version: \"0.1.0\" }",
            "2 bytes of an incomplete frame",
        ]
    );
    let lines = decode_frame::responses(
        "DROP_TABLE",
        "000000050000000007000000070100000008080c0000000302082e",
    );
    assert_eq!(
        lines.unwrap(),
        [
            "response 7: 0 bytes: DropTableResponse",
            "response 8: NOT_LEADER_OR_FOLLOWER (12): the server has no such replica, or does not lead it",
            "connection failed: AUTHENTICATE_EXCEPTION (46): authentication failed",
        ]
    );
    assert!(decode_frame::requests("zz").is_err());
    assert!(decode_frame::responses("NO_SUCH_API", "").is_err());
}
