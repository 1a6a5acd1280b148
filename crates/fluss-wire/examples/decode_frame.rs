//! Prints what captured frames hold, with nothing but `fluss-wire`.
//!
//! ```text
//! cargo run -p fluss-wire --example decode_frame                                  a frame of its own
//! cargo run -p fluss-wire --example decode_frame -- request 0000001603e8…         what a client sent
//! cargo run -p fluss-wire --example decode_frame -- response FETCH_LOG 000000…    what a server sent; it doesn't say to which API
//! ```

use std::error::Error;

use bytes::BytesMut;
use fluss_wire::api::{ApiKey, TABLE};
use fluss_wire::frame::{FrameDecoder, Response, decode_request, decode_response};

/// The first thing that the official client sends.
const SAMPLE: &str = "0000001603e80000000000000a05666c7573731205302e312e30";

const LIMIT: usize = 128 * 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let lines = match arguments.as_slice() {
        [] => requests(SAMPLE)?,
        ["request", hex] => requests(hex)?,
        ["response", api, hex] => responses(api, hex)?,
        _ => return Err("usage: decode_frame [request HEX | response API HEX]".into()),
    };
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// One line for each request in the stream.
pub fn requests(hex: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut stream = from_hex(hex)?;
    let mut decoder = FrameDecoder::new(LIMIT);
    let mut lines = Vec::new();
    while let Some(frame) = decoder.decode(&mut stream)? {
        let request = decode_request(frame)?;
        let api =
            ApiKey::from_code(request.api_key).ok_or("an API that this release doesn't know")?;
        let message = api.decode_request(request.body)?;
        let (id, version) = (request.request_id, request.api_version);
        lines.push(format!(
            "request {id}: {api} version {version}: {message:?}"
        ));
    }
    lines.extend(left_over(&stream));
    Ok(lines)
}

/// One line for each response in the stream, all of them to the same API.
pub fn responses(api: &str, hex: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let api = TABLE
        .iter()
        .find(|entry| entry.name == api)
        .ok_or("no such API")?
        .key;
    let mut stream = from_hex(hex)?;
    let mut decoder = FrameDecoder::new(LIMIT);
    let mut lines = Vec::new();
    while let Some(frame) = decoder.decode(&mut stream)? {
        lines.push(match decode_response(frame)? {
            Response::Success { request_id, body } => {
                let message = api.decode_response(body)?;
                format!(
                    "response {request_id}: {} bytes: {message:?}",
                    message.encode_to_vec().len()
                )
            }
            Response::Error { request_id, error } => format!("response {request_id}: {error}"),
            Response::ServerFailure { error } => format!("connection failed: {error}"),
        });
    }
    lines.extend(left_over(&stream));
    Ok(lines)
}

fn left_over(stream: &BytesMut) -> Option<String> {
    (!stream.is_empty()).then(|| format!("{} bytes of an incomplete frame", stream.len()))
}

fn from_hex(hex: &str) -> Result<BytesMut, Box<dyn Error>> {
    let digits = hex
        .chars()
        .map(|digit| digit.to_digit(16).ok_or("not a hex digit"));
    let digits = digits.collect::<Result<Vec<u32>, _>>()?;
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8))
        .collect())
}
