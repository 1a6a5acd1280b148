//! The rows that every contender writes and reads, and what must come back.

use std::{ops::Range, sync::Arc};

use arrow_array::{
    Array, ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    cast::AsArray,
    types::{Float64Type, Int32Type, Int64Type},
};
use arrow_schema::{Field, Schema};
use serde::{Deserialize, Serialize};

use crate::Result;

/// Names of the four columns, `BIGINT`, `INT`, `DOUBLE` and `STRING`.
pub(crate) const COLUMNS: [&str; 4] = ["id", "number", "half", "text"];
/// Different keys of the primary-key table.
pub(crate) const KEYS: u64 = 200_000;
/// Buckets of a table, unless a scenario says otherwise.
pub(crate) const BUCKETS: i32 = 3;
/// Arrow batches made beforehand; they are sent again and again, so that making them is not measured.
const BATCHES: u64 = 16;

const TEXTS: u64 = 65_536;
const TEXT_LENGTH: usize = 20;
/// Odd, so that multiplying by it visits all texts.
const TEXT_STRIDE: u64 = 40_503;
/// 2^32 divided by the golden ratio.
const NUMBER_STRIDE: u64 = 2_654_435_761;

/// How many columns a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Width {
    /// The four of [`COLUMNS`].
    Narrow,
    /// Forty: those four ten times. A wide row stands for ten narrow ones in turn.
    Wide,
}

impl Width {
    /// How often a wide table has the four columns.
    pub(crate) const GROUPS: usize = 10;

    fn groups(self) -> usize {
        match self {
            Self::Narrow => 1,
            Self::Wide => Self::GROUPS,
        }
    }

    /// Narrow rows that row `i` stands for.
    pub(crate) fn rows_of(self, i: u64) -> Range<u64> {
        let groups = self.groups() as u64;
        i * groups..(i + 1) * groups
    }

    /// Names of the columns.
    pub(crate) fn columns(self) -> Vec<String> {
        match self {
            Self::Narrow => COLUMNS.map(str::to_owned).into(),
            Self::Wide => (0..Self::GROUPS)
                .flat_map(|group| COLUMNS.map(|name| format!("{name}_{group}")))
                .collect(),
        }
    }

    /// Rows that have as many values as `narrow` narrow ones.
    pub(crate) fn rows_for(self, narrow: u64) -> u64 {
        narrow / self.groups() as u64
    }

    /// Rows of one Arrow batch.
    pub(crate) fn batch_rows(self) -> u64 {
        self.rows_for(10_000)
    }
}

/// The values of row `i`, and the texts that they come from.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    texts: Arc<[String]>,
    width: Width,
}

impl Rows {
    pub(crate) fn new(width: Width) -> Self {
        let mut random = Random::new(0x0005_DEEC_E66D);
        let text = |_| {
            (0..TEXT_LENGTH)
                .map(|_| char::from(b'a' + random.below(26) as u8))
                .collect()
        };
        Self {
            texts: (0..TEXTS).map(text).collect(),
            width,
        }
    }

    pub(crate) fn width(&self) -> Width {
        self.width
    }

    #[inline]
    pub(crate) fn number(i: u64) -> i32 {
        i.wrapping_mul(NUMBER_STRIDE) as u32 as i32
    }

    #[inline]
    pub(crate) fn half(i: u64) -> f64 {
        i as f64 / 2.0
    }

    #[inline]
    pub(crate) fn text(&self, i: u64) -> &str {
        &self.texts[(i.wrapping_mul(TEXT_STRIDE) % TEXTS) as usize]
    }

    /// Rows that `append_batches` sends in turn.
    pub(crate) fn batches(&self) -> Result<Vec<RecordBatch>> {
        (0..BATCHES)
            .map(|batch| {
                let rows = self.width.batch_rows();
                self.batch(batch * rows..(batch + 1) * rows)
            })
            .collect()
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let groups = self.width.groups();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for group in 0..groups {
            let rows = rows
                .clone()
                .map(|i| self.width.rows_of(i).start + group as u64);
            columns.extend([
                Arc::new(rows.clone().map(|i| i as i64).collect::<Int64Array>()) as ArrayRef,
                Arc::new(rows.clone().map(Self::number).collect::<Int32Array>()),
                Arc::new(rows.clone().map(Self::half).collect::<Float64Array>()),
                Arc::new(rows.map(|i| Some(self.text(i))).collect::<StringArray>()),
            ]);
        }
        let fields = self.width.columns().into_iter().zip(&columns);
        let fields: Vec<_> = fields
            .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
            .collect();
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?)
    }

    /// What the rows 0 to `rows` add up to.
    pub(crate) fn totals(&self, rows: u64) -> Totals {
        self.totals_of(0..rows)
    }

    /// What `rows` rows of [`batches`](Self::batches) add up to.
    pub(crate) fn totals_of_batches(&self, rows: u64) -> Totals {
        self.totals_of((0..rows).map(|i| i % (BATCHES * self.width.batch_rows())))
    }

    fn totals_of(&self, rows: impl Iterator<Item = u64>) -> Totals {
        let mut totals = Totals::default();
        for i in rows {
            totals.rows += 1;
            for i in self.width.rows_of(i) {
                totals.add_values(i as i64, Self::number(i), Self::half(i), self.text(i));
            }
        }
        totals
    }
}

/// Number and sums of rows. Exact: the sums of halves stay far below 2^53.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) rows: u64,
    ids: i64,
    numbers: i64,
    halves: f64,
    text_bytes: u64,
    last_letters: u64,
}

impl Totals {
    #[inline]
    pub(crate) fn add(&mut self, id: i64, number: i32, half: f64, text: &str) {
        self.rows += 1;
        self.add_values(id, number, half, text);
    }

    /// Adds the values of four columns, and no row.
    #[inline]
    pub(crate) fn add_values(&mut self, id: i64, number: i32, half: f64, text: &str) {
        self.ids = self.ids.wrapping_add(id);
        self.numbers += i64::from(number);
        self.halves += half;
        self.text_bytes += text.len() as u64;
        self.last_letters += text
            .as_bytes()
            .last()
            .map_or(0, |letter| u64::from(*letter));
    }

    /// Adds the rows of a batch.
    pub(crate) fn add_batch(&mut self, batch: &RecordBatch, width: Width) {
        self.rows += batch.num_rows() as u64;
        for group in 0..width.groups() {
            self.add_columns(batch, group * COLUMNS.len());
        }
    }

    /// Adds four columns, from the position `first` on.
    fn add_columns(&mut self, batch: &RecordBatch, first: usize) {
        let ids = batch.column(first).as_primitive::<Int64Type>();
        let numbers = batch.column(first + 1).as_primitive::<Int32Type>();
        let halves = batch.column(first + 2).as_primitive::<Float64Type>();
        let texts = batch.column(first + 3).as_string::<i32>();
        self.ids = self.ids.wrapping_add(ids.values().iter().sum::<i64>());
        self.numbers += numbers
            .values()
            .iter()
            .map(|number| i64::from(*number))
            .sum::<i64>();
        self.halves += halves.values().iter().sum::<f64>();
        let (offsets, letters) = (texts.value_offsets(), texts.value_data());
        if let (Some(first), Some(last)) = (offsets.first(), offsets.last()) {
            self.text_bytes += (last - first) as u64;
        }
        self.last_letters += offsets
            .windows(2)
            .filter(|pair| pair[1] > pair[0])
            .map(|pair| u64::from(letters[pair[1] as usize - 1]))
            .sum::<u64>();
        debug_assert_eq!(texts.null_count(), 0);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.ids = self.ids.wrapping_add(other.ids);
        self.numbers += other.numbers;
        self.halves += other.halves;
        self.text_bytes += other.text_bytes;
        self.last_letters += other.last_letters;
    }

    /// An error that shows both sides if this is not `expected`.
    pub(crate) fn expect(&self, expected: &Self) -> Result<()> {
        if self == expected {
            Ok(())
        } else {
            Err(format!("the rows read add up to {self:?}, those written to {expected:?}").into())
        }
    }
}

/// The row number whose values key `key` has after `upserts` upserts, of which number `i` writes the key `i % KEYS`.
pub(crate) fn last_upsert(key: u64, upserts: u64) -> u64 {
    key + (upserts - 1 - key) / KEYS * KEYS
}

/// Reproducible random numbers (xorshift64*).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_add_up_to_the_same_as_their_rows() {
        for width in [Width::Narrow, Width::Wide] {
            let rows = Rows::new(width);
            let mut totals = Totals::default();
            for batch in rows.batches().unwrap() {
                totals.add_batch(&batch, width);
            }
            let count = BATCHES * width.batch_rows();
            assert_eq!(totals, rows.totals(count), "{width:?}");
            assert_eq!(totals, rows.totals_of_batches(count), "{width:?}");
        }
    }

    #[test]
    fn the_last_upsert_of_a_key_is_the_largest_row_number_below_the_end() {
        for (key, upserts, expected) in [
            (0, 500_000, 400_000),
            (99_999, 500_000, 499_999),
            (100_000, 500_000, 300_000),
        ] {
            assert_eq!(last_upsert(key, upserts), expected);
        }
    }
}
