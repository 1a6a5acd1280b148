//! What is done with bytes that nobody honest wrote: one body a codec. The fuzz targets under `fuzz/` call them with what a fuzzer finds, a test here with a million seeded mutations of
//! golden data. A body says nothing of what is right; it ends, and does not panic.

mod documents;
mod frames;
mod log_batches;
mod rows;
mod types;

/// A codec under attack.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, that of the fuzz target.
    pub name: &'static str,
    /// What is done with the bytes.
    pub body: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 21] = [
    Target {
        name: "frame",
        body: frames::frame,
    },
    Target {
        name: "response_header",
        body: frames::response_header,
    },
    Target {
        name: "request_message",
        body: frames::request_message,
    },
    Target {
        name: "response_message",
        body: frames::response_message,
    },
    Target {
        name: "sasl_token",
        body: frames::sasl_token,
    },
    Target {
        name: "log_batch_arrow",
        body: log_batches::arrow,
    },
    Target {
        name: "log_batch_every_type",
        body: log_batches::every_type,
    },
    Target {
        name: "log_batch_indexed",
        body: log_batches::indexed,
    },
    Target {
        name: "log_batch_compacted",
        body: log_batches::compacted,
    },
    Target {
        name: "log_batch_projected",
        body: log_batches::projected,
    },
    Target {
        name: "changelog_batch",
        body: log_batches::changelog,
    },
    Target {
        name: "kv_batch",
        body: rows::kv_batch,
    },
    Target {
        name: "value_batch",
        body: rows::value_batch,
    },
    Target {
        name: "row_compacted",
        body: rows::compacted,
    },
    Target {
        name: "row_indexed",
        body: rows::indexed,
    },
    Target {
        name: "row_aligned",
        body: rows::aligned,
    },
    Target {
        name: "array_and_map",
        body: rows::array_and_map,
    },
    Target {
        name: "schema_json",
        body: documents::schema,
    },
    Target {
        name: "descriptor_json",
        body: documents::descriptor,
    },
    Target {
        name: "manifest_json",
        body: documents::manifest,
    },
    Target {
        name: "type_text",
        body: documents::type_text,
    },
];

/// Runs the body of that name; a name that is not there does nothing.
pub fn run(name: &str, bytes: &[u8]) {
    if let Some(target) = TARGETS.iter().find(|target| target.name == name) {
        (target.body)(bytes);
    }
}
