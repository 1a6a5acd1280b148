//! What a program sees that watches: a subscriber of `tracing` and a recorder of `metrics` that keep what they are told.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "test support"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};

/// The spans that were opened: name and fields.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    opened: Arc<Mutex<Vec<Span>>>,
    next: Arc<AtomicU64>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its name.
    pub name: &'static str,
    /// Its fields as text.
    pub fields: BTreeMap<&'static str, String>,
}

impl Spans {
    /// Those of a name, in the order in which they were opened.
    pub fn named(&self, name: &str) -> Vec<Span> {
        let opened = self.opened.lock().unwrap();
        let named = opened.iter().filter(|span| span.name == name);
        named.cloned().collect()
    }
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut span = Span {
            name: attributes.metadata().name(),
            fields: BTreeMap::new(),
        };
        attributes.record(&mut span);
        self.opened.lock().unwrap().push(span);
        Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The counters by name and labels, and of histograms how many values they were told.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    counts: Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>,
}

impl Counts {
    /// What a name has now, with its labels in order: `name{key=value}`.
    pub fn of(&self, name: &str) -> Option<u64> {
        let counts = self.counts.lock().unwrap();
        counts.get(name).map(|count| count.load(Ordering::Relaxed))
    }

    fn entry(&self, key: &Key) -> Arc<AtomicU64> {
        let mut name = key.name().to_owned();
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        if !labels.is_empty() {
            name = format!("{name}{{{}}}", labels.join(","));
        }
        Arc::clone(self.counts.lock().unwrap().entry(name).or_default())
    }
}

struct Told(Arc<AtomicU64>);

impl HistogramFn for Told {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.entry(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Told(self.entry(key))))
    }
}
