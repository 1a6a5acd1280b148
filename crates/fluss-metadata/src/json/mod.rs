//! JSON as the Java classes write it and read it.

mod read;
mod write;

pub(crate) use read::{Field, Json, parse};
pub(crate) use write::JsonWriter;
