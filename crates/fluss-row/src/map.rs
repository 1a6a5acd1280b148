//! MAP values.

use std::fmt;

use crate::{Datum, FlussArray, Result};

/// A MAP: keys and values in the order given or written. Keys are neither sorted nor deduplicated, as in Fluss's own
/// format.
///
/// ```
/// use fluss_row::FlussMap;
///
/// let map = FlussMap::from(vec![("a", Some(1)), ("b", None)]);
/// assert_eq!(map.len(), 2);
/// assert_eq!(map.keys().to_vec::<&str>()?, ["a", "b"]);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct FlussMap<'a> {
    // Boxed so that a map does not make every Datum as large as two arrays.
    parts: Box<(FlussArray<'a>, FlussArray<'a>)>,
}

impl<'a> FlussMap<'a> {
    /// A map of two arrays of the same length. Returns an error if the lengths differ.
    pub fn from_arrays(keys: FlussArray<'a>, values: FlussArray<'a>) -> Result<Self> {
        if keys.len() == values.len() {
            Ok(Self {
                parts: Box::new((keys, values)),
            })
        } else {
            Err(crate::RowError::FieldCount {
                expected: keys.len(),
                actual: values.len(),
            })
        }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.parts.0.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the keys.
    pub fn keys(&self) -> &FlussArray<'a> {
        &self.parts.0
    }

    /// Returns the values, aligned with the keys.
    pub fn values(&self) -> &FlussArray<'a> {
        &self.parts.1
    }

    /// Iterates over the entries. An entry is an error only if it was read from corrupt bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<(Datum<'_>, Datum<'_>)>> {
        self.keys()
            .iter()
            .zip(self.values().iter())
            .map(|(key, value)| Ok((key?, value?)))
    }

    /// Returns the same map without borrowed parts.
    #[must_use]
    pub fn into_owned(self) -> FlussMap<'static> {
        let (keys, values) = *self.parts;
        FlussMap {
            parts: Box::new((keys.into_owned(), values.into_owned())),
        }
    }

    /// Returns the same map with strings and bytes borrowed from this one.
    pub fn borrow(&self) -> FlussMap<'_> {
        FlussMap {
            parts: Box::new((self.keys().borrow(), self.values().borrow())),
        }
    }
}

impl<'a, K: Into<Datum<'a>>, V: Into<Datum<'a>>> FromIterator<(K, V)> for FlussMap<'a> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let (keys, values): (Vec<Datum<'a>>, Vec<Datum<'a>>) = entries
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .unzip();
        Self {
            parts: Box::new((keys.into(), values.into())),
        }
    }
}

impl<'a, K: Into<Datum<'a>>, V: Into<Datum<'a>>> From<Vec<(K, V)>> for FlussMap<'a> {
    fn from(entries: Vec<(K, V)>) -> Self {
        entries.into_iter().collect()
    }
}

impl fmt::Debug for FlussMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for entry in self.iter() {
            match entry {
                Ok((key, value)) => map.entry(&key, &value),
                Err(error) => map.entry(&format_args!("<{error}>"), &format_args!("")),
            };
        }
        map.finish()
    }
}
