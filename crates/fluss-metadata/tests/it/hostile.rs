//! Documents from elsewhere: cut, changed, made up. They are refused or read; nothing panics and no document takes long.

use std::time::Duration;

use fluss_metadata::{
    BucketSnapshot, CompletedSnapshot, Credentials, DataType, DatabaseDescriptor, FsPath,
    RemoteLogManifest, RemoteLogManifestHandle, Schema, TableBucketOffsets, TableDescriptor,
    TablePartition,
};

use crate::golden::{Random, cases, text};

/// Tries every reader, and writes what was read; what is written must be readable again.
fn try_all(bytes: &[u8]) {
    macro_rules! documents {
        ($($document:ty),*) => {$(
            if let Ok(read) = <$document>::from_json(bytes) {
                let json = read.to_json();
                let again = <$document>::from_json(json.as_bytes());
                assert_eq!(again.as_ref(), Ok(&read), "{json}");
            }
        )*};
    }
    documents!(
        DataType,
        Schema,
        TableDescriptor,
        DatabaseDescriptor,
        RemoteLogManifest,
        RemoteLogManifestHandle,
        CompletedSnapshot,
        BucketSnapshot,
        TableBucketOffsets,
        TablePartition,
        Credentials
    );
}

fn documents() -> Vec<String> {
    let files = [
        "json_schema",
        "json_table_descriptor",
        "json_misc",
        "json_server",
        "types",
    ];
    let cases = files.into_iter().flat_map(cases);
    cases
        .flat_map(|case| ["json", "input_json"].map(|key| text(&case, key).to_owned()))
        .filter(|document| !document.is_empty())
        .collect()
}

#[test]
fn documents_that_end_anywhere_are_refused() {
    for document in documents() {
        let bytes = document.as_bytes();
        // Long ones at some hundred places, short ones at every place.
        let step = (bytes.len() / 400).max(1);
        for end in (0..bytes.len()).step_by(step) {
            let cut = &bytes[..end];
            assert!(Schema::from_json(cut).is_err());
            assert!(TableDescriptor::from_json(cut).is_err());
            assert!(RemoteLogManifest::from_json(cut).is_err());
            assert!(CompletedSnapshot::from_json(cut).is_err());
            assert!(DataType::from_json(cut).is_err());
        }
    }
}

#[test]
fn changed_documents_are_refused_or_read_without_panic() {
    let documents = documents();
    let mut random = Random(42);
    let pieces = [
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "true",
        "-1",
        "1e9",
        "99999999999999999999",
        "\\u0000",
        "\\ud800",
        "\u{0}",
        "漢",
        "\"nullable\":null",
        "\"id\":-1",
    ];
    for _ in 0..20_000 {
        let mut bytes = documents[random.below(documents.len())]
            .clone()
            .into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() + 1);
            match random.below(4) {
                0 if at < bytes.len() => bytes[at] = random.next() as u8,
                1 => {
                    let end = (at + random.below(20)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => {
                    let piece = pieces[random.below(pieces.len())];
                    bytes.splice(at..at, piece.bytes());
                }
                _ => {
                    let from = random.below(bytes.len() + 1);
                    let copy = bytes[from..(from + 30).min(bytes.len())].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
        try_all(&bytes);
    }
}

#[test]
fn arbitrary_bytes_and_texts_are_refused_without_panic() {
    let mut random = Random(3);
    let alphabet: Vec<char> = "{}[]\",:\\u0019-+.eEtruefalsnl <>()`'ARY MPOWINT$/_漢é\u{0}"
        .chars()
        .collect();
    for _ in 0..20_000 {
        let length = random.below(60);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        try_all(&bytes);
        let text: String = (0..length)
            .map(|_| alphabet[random.below(alphabet.len())])
            .collect();
        try_all(text.as_bytes());
        if let Ok(data_type) = text.parse::<DataType>() {
            assert_eq!(
                data_type.to_string().parse::<DataType>().unwrap(),
                data_type
            );
        }
        if let Ok(path) = FsPath::parse(&text) {
            let _ = (path.parent(), path.child("x").to_string());
        }
    }
}

#[test]
fn large_documents_of_little_content_are_refused_in_time_that_grows_as_they_do() {
    /// Large documents are so many times as large as small ones.
    const TIMES: usize = 64;
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let documents = |size: usize| {
        [
            format!("{{\"columns\":[{}]}}", many("{}", 2 * size)),
            format!("{{\"columns\":[{}]}}", many("0", 5 * size)),
            format!(
                "{{\"columns\":{}}}",
                "[".repeat(4 * size) + &"]".repeat(4 * size)
            ),
            format!(
                "{{\"columns\":[],\"primary_key\":[{}]}}",
                many("\"\"", 3 * size)
            ),
            format!("{{{}}}", many("\"columns\":[]", size)),
            "{\"columns\":[".repeat(size),
        ]
    };
    // The shortest of a few, without the time in which the machine ran something else.
    let time = |document: &str| {
        let times = (0..5).map(|_| {
            let started = processor_time();
            assert!(
                Schema::from_json(document.as_bytes()).is_err()
                    || document.contains("\"columns\":[],\"columns\"")
            );
            processor_time().saturating_sub(started)
        });
        times.min().unwrap_or_default()
    };
    for (small, large) in documents(1500).iter().zip(&documents(1500 * TIMES)) {
        // A tenth of what it would be if it grew with the square of the size, on whatever machine.
        let most = time(small).max(Duration::from_micros(1)) * (TIMES * TIMES / 10) as u32;
        let took = time(large);
        assert!(took < most, "{took:?} for {} bytes", large.len());
    }
}

/// How long this thread has been running on a processor so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap())
}
