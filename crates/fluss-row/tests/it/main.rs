//! Tests over the whole crate: golden data of the official Java classes, properties, hostile bytes.
