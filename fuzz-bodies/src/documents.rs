//! JSON documents and the SQL form of types.

use fluss_metadata::{
    CompletedSnapshot, DataType, DatabaseDescriptor, RemoteLogManifest, RemoteLogManifestHandle,
    Schema, TableDescriptor,
};

pub(crate) fn schema(bytes: &[u8]) {
    if let Ok(schema) = Schema::from_json(bytes) {
        let _ = Schema::from_json(schema.to_json().as_bytes());
    }
}

pub(crate) fn descriptor(bytes: &[u8]) {
    if let Ok(table) = TableDescriptor::from_json(bytes) {
        let _ = (
            table.log_format(),
            table.arrow_compression(),
            table.to_json(),
        );
    }
    let _ = DatabaseDescriptor::from_json(bytes);
}

pub(crate) fn manifest(bytes: &[u8]) {
    let _ = RemoteLogManifest::from_json(bytes);
    let _ = RemoteLogManifestHandle::from_json(bytes);
    let _ = CompletedSnapshot::from_json(bytes);
}

pub(crate) fn type_text(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(data_type) = text.parse::<DataType>()
    {
        let _ = data_type.to_string().parse::<DataType>();
    }
}
