//! As much of protobuf as the probe needs: writing and reading single fields.

/// Appends a field that holds a number.
pub(super) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, value);
}

/// Appends a field that holds text, bytes or a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// One field of a message.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message in their order, up to the first that cannot be read.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = (u32, Field<'_>)> {
    std::iter::from_fn(move || {
        let tag = take_varint(&mut message)?;
        let value = match tag & 7 {
            0 => Field::Number(take_varint(&mut message)?),
            2 => {
                let len = usize::try_from(take_varint(&mut message)?).ok()?;
                let (value, rest) = message.split_at_checked(len)?;
                message = rest;
                Field::Bytes(value)
            }
            _ => return None,
        };
        Some((u32::try_from(tag >> 3).ok()?, value))
    })
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_fields_are_read_back() {
        let mut message = Vec::new();
        put_number(&mut message, 1, 300);
        put_bytes(&mut message, 200, b"abc");
        put_number(&mut message, 3, u64::MAX);
        let read = fields(&message).collect::<Vec<_>>();
        assert!(matches!(
            read[..],
            [
                (1, Field::Number(300)),
                (200, Field::Bytes(b"abc")),
                (3, Field::Number(u64::MAX))
            ]
        ));
    }

    #[test]
    fn a_cut_message_ends_the_fields() {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, b"abc");
        for len in 0..message.len() {
            assert_eq!(fields(&message[..len]).count(), 0, "cut at {len}");
        }
    }
}
