//! The released schema as data, a second encoder driven by it, and random bodies that conform to it.
//!
//! The encoder shares no code with prost: it says what the bytes of a body should be.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// All cases of a file of golden data.
pub(crate) fn load(file: &str) -> Vec<Value> {
    let path = format!(
        "{}/../../testdata/vectors/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Runs `test` on every case of a file and says how many there were.
pub(crate) fn run(file: &str, test: impl FnMut(&str, &Value)) {
    run_part(file, |_| true, test);
}

/// Runs `test` on the cases of a file for which `wanted` says so, and says how many there were; tests elsewhere run the others.
pub(crate) fn run_part(
    file: &str,
    wanted: impl Fn(&str) -> bool,
    mut test: impl FnMut(&str, &Value),
) {
    let cases = load(file);
    let (mut ran, mut total) = (0, 0);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        if wanted(name) {
            total += 1;
            test(name, case);
            ran += 1;
        }
    }
    println!("vectors {file} {ran}/{total}");
    assert_eq!(ran, total);
    assert!(ran > 0);
}

pub(crate) fn is_in(case: &Value, version: &str) -> bool {
    case["versions"]
        .as_array()
        .unwrap()
        .iter()
        .any(|entry| entry == version)
}

pub(crate) fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    assert_eq!(text.len() % 2, 0);
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) number: u64,
    pub(crate) label: String,
    pub(crate) kind: String,
}

impl Field {
    /// DIFFERS from `packed` in the file: of this one field Java's classes have a tag for the packed form, but they
    /// write it number by number.
    pub(crate) fn is_packed(&self) -> bool {
        self.label == "repeated"
            && matches!(self.kind.as_str(), "int" | "long" | "boolean")
            && self.name != "force_finished_tables"
    }
}

/// How a repeated number without elements is written: not at all, or as Java does it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum EmptyPacked {
    Absent,
    TagAndZero,
}

pub(crate) struct Schema(pub(crate) BTreeMap<String, Vec<Field>>);

impl Schema {
    /// The messages of a release.
    pub(crate) fn of(version: &str) -> Self {
        let mut messages = BTreeMap::new();
        for case in load("proto_schema.json") {
            if is_in(&case, version) {
                let name = case["name"]
                    .as_str()
                    .unwrap()
                    .split('@')
                    .next()
                    .unwrap()
                    .to_owned();
                let fields = case["fields"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(field)
                    .collect();
                assert!(messages.insert(name, fields).is_none());
            }
        }
        Self(messages)
    }

    pub(crate) fn encode(&self, message: &str, body: &Value, empty: EmptyPacked) -> Vec<u8> {
        let body = body.as_object().unwrap();
        let fields = &self.0[message];
        for key in body.keys() {
            assert!(
                fields.iter().any(|field| field.name == *key),
                "{message} has no {key}"
            );
        }
        let mut out = Vec::new();
        for field in fields {
            match body.get(&field.name) {
                Some(value) if field.is_packed() => {
                    let mut packed = Vec::new();
                    for element in value.as_array().unwrap() {
                        varint(number(element), &mut packed);
                    }
                    length_delimited(field, &packed, &mut out);
                }
                Some(Value::Array(elements)) => {
                    for element in elements {
                        self.encode_one(field, element, empty, &mut out);
                    }
                }
                Some(value) => self.encode_one(field, value, empty, &mut out),
                None if field.is_packed() && empty == EmptyPacked::TagAndZero => {
                    length_delimited(field, &[], &mut out);
                }
                None => assert_ne!(field.label, "required", "{message} lacks {}", field.name),
            }
        }
        out
    }

    fn encode_one(&self, field: &Field, value: &Value, empty: EmptyPacked, out: &mut Vec<u8>) {
        match field.kind.as_str() {
            "int" | "long" | "boolean" => {
                varint(field.number << 3, out);
                varint(number(value), out);
            }
            "float" => {
                varint(field.number << 3 | 5, out);
                out.extend(u32::try_from(bits(value)).unwrap().to_le_bytes());
            }
            "double" => {
                varint(field.number << 3 | 1, out);
                out.extend(bits(value).to_le_bytes());
            }
            "string" => length_delimited(field, value.as_str().unwrap().as_bytes(), out),
            "bytes" => length_delimited(field, &hex(value), out),
            message => length_delimited(field, &self.encode(message, value, empty), out),
        }
    }

    /// A body with any of the fields and extreme values; nesting ends after a few levels.
    pub(crate) fn random_body(&self, message: &str, rng: &mut Rng, depth: u32) -> Value {
        let mut body = Map::new();
        for field in &self.0[message] {
            let is_message = self.0.contains_key(&field.kind);
            match field.label.as_str() {
                "required" => {
                    body.insert(field.name.clone(), self.random_value(field, rng, depth));
                }
                "optional" if rng.below(2) == 0 && (depth > 0 || !is_message) => {
                    body.insert(field.name.clone(), self.random_value(field, rng, depth));
                }
                "repeated" if depth > 0 || !is_message => {
                    let count = rng.below(4);
                    if count > 0 {
                        let elements = (0..count)
                            .map(|_| self.random_value(field, rng, depth))
                            .collect();
                        body.insert(field.name.clone(), Value::Array(elements));
                    }
                }
                _ => {}
            }
        }
        Value::Object(body)
    }

    fn random_value(&self, field: &Field, rng: &mut Rng, depth: u32) -> Value {
        const TEXTS: [&str; 5] = ["", "a", "my_table", "漢字 é", "\u{0}\u{10ffff}"];
        let wide = [
            0,
            1,
            -1,
            127,
            128,
            300,
            i64::from(i32::MIN),
            i64::from(i32::MAX),
            i64::MIN,
            i64::MAX,
        ];
        match field.kind.as_str() {
            "int" => Value::from(wide[rng.below(8)]),
            "long" => Value::from(wide[rng.below(10)].to_string()),
            "boolean" => Value::from(rng.below(2) == 1),
            "float" => Value::from(format!("0x{:08x}", rng.next() >> 32)),
            "double" => Value::from(format!("0x{:016x}", rng.next())),
            "string" => Value::from(TEXTS[rng.below(5)]),
            "bytes" => {
                let length = [0, 1, 20, 255, 256, 257, 1000][rng.below(7)];
                Value::from(to_hex(&rng.bytes(length)))
            }
            message => self.random_body(message, rng, depth.saturating_sub(1)),
        }
    }
}

fn field(value: &Value) -> Field {
    let text = |key: &str| value[key].as_str().unwrap().to_owned();
    Field {
        name: text("name"),
        number: value["number"].as_u64().unwrap(),
        label: text("label"),
        kind: text("type"),
    }
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Bool(value) => u64::from(*value),
        Value::Number(value) => value.as_i64().unwrap() as u64,
        Value::String(value) => value.parse::<i64>().unwrap() as u64,
        other => panic!("{other} is no number"),
    }
}

fn bits(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn length_delimited(field: &Field, bytes: &[u8], out: &mut Vec<u8>) {
    varint(field.number << 3 | 2, out);
    varint(bytes.len() as u64, out);
    out.extend(bytes);
}

/// The same numbers in every run (xorshift64*).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 40) as u8).collect()
    }
}
