//! JSON, written and read like the Java classes do.

mod read;
mod write;

pub(crate) use read::{Field, Json, parse};
pub(crate) use write::JsonWriter;
