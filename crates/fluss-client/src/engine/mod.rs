//! What to do and when, decided without doing it: no I/O, no clock, no lock, no task. Bytes, answers and instants go in, decisions come
//! out; the drivers in `scan`, `lookup` and `write` carry them out.

pub(crate) mod lookup;
pub(crate) mod scan;
pub(crate) mod write;
