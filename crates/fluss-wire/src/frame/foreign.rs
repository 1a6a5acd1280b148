//! Recognizes servers with another protocol by the start of their responses.

use std::fmt::Write as _;

use super::FrameError;

/// How many bytes of a response an error shows.
const SHOWN: usize = 24;

/// How responses of other protocols start. As a length, all are larger than any first response of a Fluss server.
const BEGINNINGS: [(&[u8], &str); 6] = [
    (b"HTTP", "HTTP"),
    (b"SSH-", "SSH"),
    // Alerts and handshakes, of SSL 3.0 to TLS 1.3.
    (&[0x15, 3], "TLS"),
    (&[0x16, 3], "TLS"),
    (b"AMQP", "AMQP"),
    (b"-ERR", "Redis"),
];

/// The error for bytes that begin as another protocol does. If they cannot be a frame in any case, any text counts as
/// one.
pub(super) fn recognize(received: &[u8], is_no_frame: bool) -> Option<FrameError> {
    let known = BEGINNINGS
        .iter()
        .find(|(beginning, _)| received.starts_with(beginning));
    let shown = received.get(..SHOWN).unwrap_or(received);
    let line = shown.split(|byte| *byte == b'\r' || *byte == b'\n').next();
    let line = line.unwrap_or_default();
    let is_text = line.len() >= 4 && line.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let protocol = match known {
        Some((_, protocol)) => protocol,
        None if is_no_frame && is_text => "text",
        None => return None,
    };
    let begins = if is_text {
        format!("{:?}", String::from_utf8_lossy(line))
    } else {
        let bytes = shown.iter().take(8);
        bytes.fold(String::new(), |mut text, byte| {
            let space = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{space}{byte:02x}");
            text
        })
    };
    Some(FrameError::OtherProtocol { protocol, begins })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::super::FrameDecoder;

    /// What is said of these first bytes of a stream, with this limit of frames.
    fn told(received: &[u8], limit: usize) -> String {
        let mut decoder = FrameDecoder::new(limit);
        match decoder.decode(&mut BytesMut::from(received)) {
            Ok(frame) => format!("{frame:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn servers_of_other_protocols_are_named() {
        for (received, expected) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
                "HTTP: its response starts with \"HTTP/1.1 400 Bad Request\"",
            ),
            (
                b"SSH-2.0-OpenSSH_9.6\r\n",
                "SSH: its response starts with \"SSH-2.0-OpenSSH_9.6\"",
            ),
            (
                &[0x15, 3, 3, 0, 2, 2, 70],
                "TLS: its response starts with 15 03 03 00 02 02 46",
            ),
            (
                &[0x16, 3, 1, 1, 0],
                "TLS: its response starts with 16 03 01 01 00",
            ),
            (
                b"220 mail.example.org ESMTP\r\n",
                "text: its response starts with \"220 mail.example.org ESM\"",
            ),
        ] {
            for limit in [1 << 20, i32::MAX as usize] {
                if limit > 1 << 20 && received.starts_with(b"220") {
                    // As a length this may be one.
                    continue;
                }
                let told = told(received, limit);
                assert!(told.ends_with(expected), "{told}");
            }
        }
    }

    #[test]
    fn lengths_beyond_the_limit_that_are_no_text_stay_lengths() {
        assert_eq!(
            told(&[0x7f, 0xff, 0xff, 0xff, 1], 100),
            "frame declares 2147483647 bytes, but the limit is 100"
        );
        assert_eq!(told(&[0, 0, 0, 1, b'H'], 100), "Some(b\"H\")");
    }
}
