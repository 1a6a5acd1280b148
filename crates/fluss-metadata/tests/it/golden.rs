//! Reads the golden data and counts what ran.

use serde_json::Value;

/// The cases of a file.
pub(crate) fn cases(file: &str) -> Vec<Value> {
    let path = format!(
        "{}/../../testdata/vectors/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Runs every case of a file for which `wanted` says so, and reports how many of them ran.
pub(crate) fn run(
    file: &str,
    wanted: impl Fn(&Value) -> bool,
    mut check: impl FnMut(&str, &Value),
) {
    let (mut ran, mut total) = (0, 0);
    for case in cases(file).iter().filter(|case| wanted(case)) {
        total += 1;
        check(case["name"].as_str().unwrap(), case);
        ran += 1;
    }
    println!("vectors {file} {ran}/{total}");
    assert!(total > 0, "{file} has no cases");
    assert_eq!(ran, total);
}

pub(crate) fn run_all(file: &str, check: impl FnMut(&str, &Value)) {
    run(file, |_| true, check);
}

/// The text of a field, empty for null.
pub(crate) fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

/// A list of texts.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|items| {
            items
                .iter()
                .map(|item| item.as_str().unwrap().to_owned())
                .collect()
        })
        .unwrap_or_default()
}

/// A number that may be written as text.
pub(crate) fn number(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_i64().unwrap(),
    }
}

/// A seeded generator of numbers, xorshift64*.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
