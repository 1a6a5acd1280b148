//! Skips batches in a fetch that can't match a filter, by their statistics (since 1.0).
//!
//! Source: `LogSegment.readWithFilter`, `PredicateMessageUtils`, `PredicateSchemaResolver`, `LeafPredicate`.

use std::cmp::Ordering;

use fluss_metadata::{DataType, DataTypeKind, DataTypeRoot, LogFormat, Schema};
use fluss_row::log::{BatchStatistics, ColumnStatistics, LogBatch};
use fluss_row::{Date, Datum, Decimal, Time, TimestampLtz, TimestampNtz};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{PbFetchLogReqForTable, PbLeafPredicate, PbLiteralValue, PbPredicate};

use super::aggregate::compare;
use crate::release::Release;
use crate::reply::{Result, fail};
use crate::state::Table;

/// A parsed filter.
pub(super) struct Filter {
    root: Node,
}

enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Leaf {
        /// The id of the column, which is independent of its position.
        column_id: i32,
        test: Test,
        literals: Vec<Datum<'static>>,
    },
}

/// The predicate on a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    IsNull,
    IsNotNull,
    StartsWith,
    Contains,
    EndsWith,
    In,
    NotIn,
}

/// In the order of their numbers (`FlussApi.proto: PbLeafPredicate.function`).
const TESTS: [Test; 13] = [
    Test::Equal,
    Test::NotEqual,
    Test::Less,
    Test::LessOrEqual,
    Test::Greater,
    Test::GreaterOrEqual,
    Test::IsNull,
    Test::IsNotNull,
    Test::StartsWith,
    Test::Contains,
    Test::EndsWith,
    Test::In,
    Test::NotIn,
];

impl Filter {
    /// The filter of a request. An invalid filter is ignored; a missing schema id is an error.
    pub(super) fn of(
        release: Release,
        table: &Table,
        request: &PbFetchLogReqForTable,
    ) -> Result<Option<Self>> {
        let Some(predicate) = &request.filter_predicate else {
            return Ok(None);
        };
        // Servers of release 0.9.1 ignore the field.
        if release == Release::V0_9_1 {
            return Ok(None);
        }
        let Some(schema_id) = request.filter_schema_id.filter(|id| *id >= 0) else {
            return fail(
                ErrorCode::UNKNOWN_SERVER_ERROR,
                format!(
                    "Filter predicate is set but filterSchemaId is missing for table {}",
                    request.table_id
                ),
            );
        };
        if !matches!(table.descriptor.log_format(), Ok(LogFormat::Arrow)) {
            return Ok(None);
        }
        let schema = table.schema(schema_id);
        let root = schema.and_then(|schema| node(predicate, schema));
        Ok(root.map(|root| Self { root }))
    }

    /// Whether a batch may contain a matching row. True if the statistics can't decide.
    pub(super) fn keeps(&self, table: &Table, batch: &LogBatch) -> bool {
        let Some(schema) = table.schema(batch.header().schema_id()) else {
            return true;
        };
        let Ok(Some(statistics)) = batch.statistics(schema.row_type()) else {
            return true;
        };
        let rows = batch.header().record_count();
        self.root
            .may_match(schema, &statistics, rows)
            .unwrap_or(true)
    }
}

impl Node {
    /// `None` if the schema lacks a column, or a value has no order.
    fn may_match(&self, schema: &Schema, of: &BatchStatistics, rows: usize) -> Option<bool> {
        match self {
            Self::All(children) => children.iter().try_fold(true, |all, child| {
                Some(child.may_match(schema, of, rows)? && all)
            }),
            Self::Any(children) => children.iter().try_fold(false, |any, child| {
                Some(child.may_match(schema, of, rows)? || any)
            }),
            Self::Leaf {
                column_id,
                test,
                literals,
            } => {
                let mut columns = schema.columns().iter();
                let position = columns.position(|column| column.column_id() == *column_id)?;
                let found = of.columns.iter().find(|column| column.position == position);
                match found {
                    Some(column) => test.may_hold(column, rows, literals),
                    None => Some(true),
                }
            }
        }
    }
}

impl Test {
    fn may_hold(
        self,
        column: &ColumnStatistics,
        rows: usize,
        literals: &[Datum<'_>],
    ) -> Option<bool> {
        let nulls = usize::try_from(column.null_count).ok()?;
        match self {
            Self::IsNull => return Some(nulls > 0),
            Self::IsNotNull => return Some(nulls < rows),
            _ if nulls == rows => return Some(false),
            _ => {}
        }
        let (Some(min), Some(max)) = (&column.min, &column.max) else {
            return Some(true);
        };
        let order = |literal: &Datum<'_>, bound: &Datum<'_>| compare(literal, bound);
        let within = |literal: &Datum<'_>| {
            Some(
                order(literal, min)? != Ordering::Less && order(literal, max)? != Ordering::Greater,
            )
        };
        let alone = |literal: &Datum<'_>| {
            Some(order(literal, min)? == Ordering::Equal && order(literal, max)? == Ordering::Equal)
        };
        match self {
            Self::In => {
                let mut found = false;
                for literal in literals.iter().filter(|literal| **literal != Datum::Null) {
                    found |= within(literal)?;
                }
                return Some(found);
            }
            Self::NotIn => {
                let mut excluded = false;
                for literal in literals {
                    excluded |= *literal == Datum::Null || alone(literal)?;
                }
                return Some(!excluded);
            }
            _ => {}
        }
        let literal = literals.first()?;
        if *literal == Datum::Null {
            return Some(false);
        }
        Some(match self {
            Self::Equal => within(literal)?,
            Self::NotEqual => !alone(literal)?,
            Self::Less => order(literal, min)? == Ordering::Greater,
            Self::LessOrEqual => order(literal, min)? != Ordering::Less,
            Self::Greater => order(literal, max)? == Ordering::Less,
            Self::GreaterOrEqual => order(literal, max)? != Ordering::Greater,
            Self::StartsWith => {
                let (Datum::String(min), Datum::String(max), Datum::String(start)) =
                    (min, max, literal)
                else {
                    return None;
                };
                let order = |bound: &str| bound.encode_utf16().cmp(start.encode_utf16());
                (min.starts_with(&**start) || order(min) != Ordering::Greater)
                    && (max.starts_with(&**start) || order(max) != Ordering::Less)
            }
            _ => true,
        })
    }
}

fn node(predicate: &PbPredicate, schema: &Schema) -> Option<Node> {
    match (predicate.r#type, &predicate.leaf, &predicate.compound) {
        (0, Some(of), _) => leaf(of, schema),
        (1, _, Some(compound)) => {
            let children = compound.children.iter().map(|child| node(child, schema));
            let children = children.collect::<Option<Vec<_>>>()?;
            match compound.function {
                0 => Some(Node::All(children)),
                1 => Some(Node::Any(children)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn leaf(leaf: &PbLeafPredicate, schema: &Schema) -> Option<Node> {
    let test = *TESTS.get(usize::try_from(leaf.function).ok()?)?;
    let mut columns = schema.columns().iter();
    let column = columns.find(|column| column.column_id() == leaf.field_id)?;
    let literals = leaf.literals.iter();
    let literals = literals.map(|value| literal(value, column.data_type()));
    Some(Node::Leaf {
        column_id: leaf.field_id,
        test,
        literals: literals.collect::<Option<_>>()?,
    })
}

/// `None` if its type differs from that of the column.
fn literal(value: &PbLiteralValue, of: &DataType) -> Option<Datum<'static>> {
    use DataTypeRoot as R;
    if value.is_null {
        return Some(Datum::Null);
    }
    let int = value.int_value.unwrap_or_default();
    let bigint = value.bigint_value.unwrap_or_default();
    let millis = value.timestamp_millis_value.unwrap_or_default();
    let nanos = value.timestamp_nano_of_millis_value.unwrap_or_default();
    Some(match (value.literal_type, of.root()) {
        (0, R::Boolean) => Datum::Boolean(value.boolean_value.unwrap_or_default()),
        // Like a cast in Java.
        (1, R::TinyInt) => Datum::TinyInt(int as i8),
        (2, R::SmallInt) => Datum::SmallInt(int as i16),
        (3, R::Integer) => Datum::Int(int),
        (4, R::BigInt) => Datum::BigInt(bigint),
        (5, R::Float) => Datum::Float(value.float_value.unwrap_or_default()),
        (6, R::Double) => Datum::Double(value.double_value.unwrap_or_default()),
        (7 | 8, R::Char | R::String) => Datum::from(value.string_value.clone()?),
        (9, R::Decimal) => {
            let DataTypeKind::Decimal { precision, scale } = *of.kind() else {
                return None;
            };
            let decimal = if let Some(bytes) = &value.decimal_bytes {
                Decimal::from_unscaled_bytes(bytes, precision, scale)
            } else {
                let unscaled = value.decimal_value.unwrap_or_default();
                Decimal::from_unscaled_long(unscaled, precision, scale)
            };
            Datum::Decimal(decimal.ok()?)
        }
        (10, R::Date) => Datum::Date(Date::new(bigint as i32)),
        (11, R::Time) => Datum::Time(Time::new(int)),
        (12, R::Timestamp) => {
            Datum::Timestamp(TimestampNtz::from_millis_nanos(millis, nanos).ok()?)
        }
        (13, R::TimestampLtz) => {
            Datum::TimestampLtz(TimestampLtz::from_millis_nanos(millis, nanos).ok()?)
        }
        (14 | 15, R::Binary | R::Bytes) => {
            let bytes = value.binary_value.clone().unwrap_or_default();
            Datum::from(bytes.to_vec())
        }
        _ => return None,
    })
}
