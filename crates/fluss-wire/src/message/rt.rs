//! What generated messages use from prost, with [`Repeated`] for `Vec`.
//!
//! The names are those by which the code that prost derives calls them.

pub(crate) use ::prost::{DecodeError, Message, bytes};

pub(crate) mod alloc {
    //! Memory.

    pub(crate) use ::prost::alloc::string;

    pub(crate) mod vec {
        //! A `Vec` in pieces.

        pub(crate) use crate::repeated::Repeated as Vec;
    }
}

pub(crate) mod encoding {
    //! Fields.

    pub(crate) use ::prost::encoding::*;

    pub(crate) mod message {
        //! Messages in messages.

        pub(crate) use ::prost::encoding::message::{encode, encoded_len, merge};
        use ::prost::{
            DecodeError, Message,
            bytes::Buf,
            encoding::{DecodeContext, WireType, check_wire_type, encoded_len_varint, key_len},
        };

        use crate::repeated::Repeated;

        pub(crate) fn merge_repeated<M: Message + Default>(
            wire_type: WireType,
            messages: &mut Repeated<M>,
            buf: &mut impl Buf,
            ctx: DecodeContext,
        ) -> Result<(), DecodeError> {
            check_wire_type(WireType::LengthDelimited, wire_type)?;
            let mut message = M::default();
            merge(WireType::LengthDelimited, &mut message, buf, ctx)?;
            messages.push(message);
            Ok(())
        }

        pub(crate) fn encoded_len_repeated<M: Message>(
            number: u32,
            messages: &Repeated<M>,
        ) -> usize {
            let each = messages.iter().map(Message::encoded_len);
            let bytes: usize = each.map(|len| encoded_len_varint(len as u64) + len).sum();
            key_len(number) * messages.len() + bytes
        }
    }

    /// Text and bytes, which are never packed.
    macro_rules! unpacked {
        ($module:ident, $type:ty) => {
            pub(crate) mod $module {
                //! As prost's module of that name.

                pub(crate) use ::prost::encoding::$module::*;
                use ::prost::{
                    DecodeError,
                    bytes::{Buf, BufMut},
                    encoding::{DecodeContext, WireType, check_wire_type},
                };

                use crate::repeated::Repeated;

                pub(crate) fn encode_repeated(
                    number: u32,
                    values: &Repeated<$type>,
                    buf: &mut impl BufMut,
                ) {
                    values.iter().for_each(|value| encode(number, value, buf));
                }

                pub(crate) fn merge_repeated(
                    wire_type: WireType,
                    values: &mut Repeated<$type>,
                    buf: &mut impl Buf,
                    ctx: DecodeContext,
                ) -> Result<(), DecodeError> {
                    check_wire_type(WireType::LengthDelimited, wire_type)?;
                    let mut value = Default::default();
                    merge(wire_type, &mut value, buf, ctx)?;
                    values.push(value);
                    Ok(())
                }

                pub(crate) fn encoded_len_repeated(number: u32, values: &Repeated<$type>) -> usize {
                    values.iter().map(|value| encoded_len(number, value)).sum()
                }
            }
        };
    }

    unpacked!(string, ::prost::alloc::string::String);
    unpacked!(bytes, ::prost::bytes::Bytes);

    /// Numbers, which are mostly packed, and read either way.
    macro_rules! number {
        ($module:ident, $type:ty, {$($unpacked:item)*}) => {
            pub(crate) mod $module {
                //! As prost's module of that name.

                pub(crate) use ::prost::encoding::$module::*;
                use ::prost::{
                    DecodeError,
                    bytes::{Buf, BufMut},
                    encoding::{
                        DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint,
                        key_len, merge_loop,
                    },
                };

                use crate::repeated::Repeated;

                pub(crate) fn encode_packed(
                    number: u32,
                    values: &Repeated<$type>,
                    buf: &mut impl BufMut,
                ) {
                    if values.is_empty() {
                        return;
                    }
                    encode_key(number, WireType::LengthDelimited, buf);
                    encode_varint(packed_len(values) as u64, buf);
                    values
                        .iter()
                        .for_each(|&value| encode_varint(i64::from(value).cast_unsigned(), buf));
                }

                pub(crate) fn merge_repeated(
                    wire_type: WireType,
                    values: &mut Repeated<$type>,
                    buf: &mut impl Buf,
                    ctx: DecodeContext,
                ) -> Result<(), DecodeError> {
                    if wire_type == WireType::LengthDelimited {
                        return merge_loop(values, buf, ctx, |values, buf, ctx| {
                            one(WireType::Varint, values, buf, ctx)
                        });
                    }
                    one(wire_type, values, buf, ctx)
                }

                fn one(
                    wire_type: WireType,
                    values: &mut Repeated<$type>,
                    buf: &mut impl Buf,
                    ctx: DecodeContext,
                ) -> Result<(), DecodeError> {
                    let mut value = 0;
                    merge(wire_type, &mut value, buf, ctx)?;
                    values.push(value);
                    Ok(())
                }

                $($unpacked)*

                pub(crate) fn encoded_len_packed(number: u32, values: &Repeated<$type>) -> usize {
                    if values.is_empty() {
                        return 0;
                    }
                    let len = packed_len(values);
                    key_len(number) + encoded_len_varint(len as u64) + len
                }

                fn packed_len(values: &Repeated<$type>) -> usize {
                    let varint =
                        |&value: &$type| encoded_len_varint(i64::from(value).cast_unsigned());
                    values.iter().map(varint).sum()
                }
            }
        };
    }

    number!(int32, i32, {});
    number!(int64, i64, {
        pub(crate) fn encode_repeated(number: u32, values: &Repeated<i64>, buf: &mut impl BufMut) {
            values.iter().for_each(|value| encode(number, value, buf));
        }

        pub(crate) fn encoded_len_repeated(number: u32, values: &Repeated<i64>) -> usize {
            key_len(number) * values.len() + packed_len(values)
        }
    });
}
