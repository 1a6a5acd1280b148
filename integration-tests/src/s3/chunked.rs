//! Bodies that are signed chunk by chunk, as Java's SDK sends them.

use bytes::{Buf, Bytes};

/// The content: each chunk is its length in hexadecimal, `;chunk-signature=…`, its bytes; the last one is empty. `None` for anything else.
pub(super) fn content_of(mut body: Bytes) -> Option<Bytes> {
    let mut content = Vec::with_capacity(body.len());
    loop {
        let line_end = body.windows(2).position(|pair| pair == b"\r\n")?;
        let line = body.split_to(line_end);
        body.advance(2);
        let length = std::str::from_utf8(&line).ok()?.split(';').next()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(content.into());
        }
        if body.len() < length + 2 {
            return None;
        }
        content.extend_from_slice(&body.split_to(length));
        body.advance(2);
    }
}
