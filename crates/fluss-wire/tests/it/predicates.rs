//! Filters of a fetch as the official Java classes write them: message by message, and byte for byte.

use fluss_wire::codec::decode;
use fluss_wire::message::PbPredicate;
use prost::Message;
use serde_json::Value;

use crate::schema::{EmptyPacked, Schema, hex, run, to_hex};

/// How deep a filter is and how many leaves it has, by its JSON.
fn json_shape(json: &Value) -> (usize, usize) {
    let Some(children) = json["compound"]["children"].as_array() else {
        return (1, 1);
    };
    shape_of(children.iter().map(json_shape))
}

/// How deep a filter is and how many leaves it has, as it was decoded.
fn shape(predicate: &PbPredicate) -> (usize, usize) {
    match &predicate.compound {
        Some(compound) => shape_of(compound.children.iter().map(shape)),
        None => (1, 1),
    }
}

fn shape_of(children: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    let (depth, leaves) = children.fold((0, 0), |(depth, leaves), child| {
        (depth.max(child.0), leaves + child.1)
    });
    (depth + 1, leaves)
}

#[test]
fn filters_are_read_and_written_as_java_does() {
    let schema = Schema::of("1.0.0");
    run("predicates.json", |name, case| {
        let bytes = hex(&case["bytes"]);
        let built = schema.encode("PbPredicate", &case["pb"], EmptyPacked::TagAndZero);
        assert_eq!(to_hex(&built), to_hex(&bytes), "{name}: what the case says");
        let predicate: PbPredicate =
            decode(bytes.clone().into()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(shape(&predicate), json_shape(&case["pb"]), "{name}");
        assert_eq!(to_hex(&predicate.encode_to_vec()), to_hex(&bytes), "{name}");
    });
}

#[test]
fn a_filter_cut_short_is_refused_or_a_smaller_filter() {
    run("predicates.json", |name, case| {
        let bytes = hex(&case["bytes"]);
        for end in 0..bytes.len() {
            if let Ok(predicate) = decode::<PbPredicate>(bytes[..end].to_vec().into()) {
                assert!(predicate.encoded_len() <= end, "{name} at {end}");
            }
        }
    });
}
