//! `crates/fluss/docs/compatibility.md`: which features work with which server, made from the integration tests that ran.
//!
//! Each module of the integration tests stands for a feature. A module that is not in the table, a feature whose tests did not run, and a
//! page that says something else are failures.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use crate::{Result, workspace};

/// What one module of the integration tests shows: the chapter, the feature, the module.
type Feature = (&'static str, &'static str, &'static str);

const FEATURES: &[Feature] = &[
    (
        "Documented client",
        "every snippet of the documented page, unchanged",
        "documented",
    ),
    (
        "Documented client",
        "all scalar types with nulls through append and scan, upsert and lookup",
        "round_trip",
    ),
    (
        "Documented client",
        "rows and keys exchanged with the Java client, both ways",
        "interop",
    ),
    (
        "Documented client",
        "partitions, partial updates, nested types, formats and compressions exchanged with the Java client",
        "write_interop",
    ),
    (
        "Documented client",
        "the interop programs compute the same rows",
        "java::tests",
    ),
    (
        "Documented client",
        "SASL/PLAIN: right, wrong and missing credentials",
        "sasl",
    ),
    (
        "Writing",
        "rows and Arrow batches, split by bucket; columns matched by name or rejected",
        "write_append",
    ),
    (
        "Writing",
        "batch size, linger, acknowledgements, compression",
        "write_batches",
    ),
    (
        "Writing",
        "bucket choice: sticky, round robin, by key",
        "write_buckets",
    ),
    ("Writing", "log formats and compressions", "write_formats"),
    (
        "Writing",
        "values truncated or rejected by their columns; Arrow batches of other types",
        "write_values",
    ),
    (
        "Writing",
        "partitions created while rows flow, automatic partitions",
        "write_partitions",
    ),
    ("Writing", "results, flush, close", "write_results"),
    (
        "Writing",
        "tables dropped, re-created and altered while being written",
        "write_tables",
    ),
    (
        "Writing",
        "upsert, delete, partial update, merge engines, auto-increment columns",
        "write_upsert",
    ),
    (
        "Writing",
        "two million appends over a small buffer, on every kind of runtime",
        "buffer",
    ),
    (
        "Writing",
        "a leader killed and restarted during writes, scans and lookups; one that does not come back",
        "failover",
    ),
    (
        "Writing",
        "lost acknowledgements, at most five batches in flight, a writer that the server forgot",
        "faults",
    ),
    (
        "Writing",
        "the coordinator killed and restarted while writers and a lease are active",
        "coordinator",
    ),
    (
        "Reading",
        "subscriptions by bucket, partition and table; start by offset and time; offsets out of range",
        "scan_subscribe",
    ),
    ("Reading", "bounded scans", "scan_bounds"),
    (
        "Reading",
        "partitions dropped during a scan",
        "scan_dropped",
    ),
    (
        "Reading",
        "rows that violate the types of their columns",
        "scan_unfit",
    ),
    (
        "Reading",
        "projection, nested columns, changelogs",
        "scan_columns",
    ),
    (
        "Reading",
        "rows written before columns were added",
        "scan_evolution",
    ),
    ("Reading", "tiered log segments", "scan_remote"),
    (
        "Reading",
        "timestamps and last rows of tiered logs",
        "scan_tiered",
    ),
    (
        "Reading",
        "log segments in S3, with credentials that the servers provide and renew",
        "s3",
    ),
    (
        "Reading",
        "log segments in an unsupported file system: an error that names it",
        "hdfs",
    ),
    (
        "Reading",
        "prefetching limited by bytes, whatever the number of buckets",
        "scan_prefetch",
    ),
    ("Reading", "streams, wakeup", "scan_stream"),
    (
        "Reading",
        "new rows seen soon, with one replica and with several",
        "scan_latency",
    ),
    (
        "Reading",
        "a leader killed and restarted during streams of rows and batches and during bounded scans",
        "failover_scans",
    ),
    (
        "Reading",
        "lookup by key and prefix, many keys, insert if not exists, limit scans",
        "lookup_keys",
    ),
    (
        "Reading",
        "handles of tables that were dropped or re-created",
        "recreated",
    ),
    ("Administration", "access rules", "admin::acl"),
    ("Administration", "table changes", "admin::alter_table"),
    (
        "Administration",
        "servers, cluster configuration, server tags",
        "admin::cluster",
    ),
    ("Administration", "databases", "admin::database"),
    (
        "Administration",
        "KV snapshots and their leases",
        "admin::kv_snapshot",
    ),
    ("Administration", "lake snapshots", "admin::lake_snapshot"),
    (
        "Administration",
        "calls of 1.0, rejected before they are sent",
        "admin::newer",
    ),
    (
        "Administration",
        "offsets by earliest, latest and time; table statistics",
        "admin::offsets",
    ),
    ("Administration", "partitions", "admin::partition"),
    (
        "Administration",
        "producer offsets",
        "admin::producer_offsets",
    ),
    ("Administration", "tables and schemas", "admin::table"),
    (
        "Administration",
        "what servers reject, list in no particular order, and apply a moment later",
        "servers",
    ),
    (
        "Administration",
        "invalid requests and the error codes they return",
        "bad_requests",
    ),
    ("Administration", "rebalance", "rebalance"),
    (
        "Configuration and observation",
        "keys of the Java client from a map, a properties file or the environment",
        "config",
    ),
    (
        "Configuration and observation",
        "totals of a connection, metrics, spans; a full scan rejected before it is sent",
        "observe",
    ),
];

/// The module of the table of scenarios.
const SCENARIOS: &str = "scenarios::";

/// What a scenario runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    Mock,
    Real,
}

impl On {
    /// What the names of its tests begin with.
    fn module(self) -> &'static str {
        match self {
            Self::Mock => "scenarios::mock::",
            Self::Real => "scenarios::real::",
        }
    }
}

/// Names of the tests that passed, as the lines of test programs tell them.
#[derive(Default)]
pub(crate) struct Passed(BTreeSet<String>);

impl Passed {
    /// Takes in one line of a test program.
    pub(crate) fn read(&mut self, line: &str) {
        let name = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... ok"));
        if let Some(name) = name {
            self.0.insert(name.to_owned());
        }
    }

    /// The scenarios that ran on the mock cluster or on a real one, without what tells them apart.
    pub(crate) fn scenarios(&self, on: On) -> BTreeSet<&str> {
        let names = self.0.iter();
        names
            .filter_map(|name| name.strip_prefix(on.module()))
            .collect()
    }

    /// Tests on a real cluster by module.
    fn modules(&self) -> BTreeMap<&str, usize> {
        let mut modules = BTreeMap::new();
        for name in &self.0 {
            let name = name.strip_prefix(On::Real.module()).unwrap_or(name);
            if name.starts_with(SCENARIOS) {
                continue;
            }
            if let Some((module, _)) = name.rsplit_once("::") {
                *modules.entry(module).or_insert(0) += 1;
            }
        }
        modules
    }
}

/// Writes the page if `write` says so; else compares it.
pub(crate) fn check(passed: &Passed, write: bool) -> Result<()> {
    let page = page(passed)?;
    let path = workspace::root().join("crates/fluss/docs/compatibility.md");
    if write {
        fs::write(&path, page)?;
        println!("compatibility: wrote {}", path.display());
        return Ok(());
    }
    if fs::read_to_string(&path).unwrap_or_default() == page {
        println!("compatibility: crates/fluss/docs/compatibility.md matches the tests");
        return Ok(());
    }
    Err("crates/fluss/docs/compatibility.md does not match the tests: run `cargo xtask test --compatibility` and commit it".into())
}

fn page(passed: &Passed) -> Result<String> {
    let modules = passed.modules();
    let known = FEATURES.iter().map(|feature| feature.2).collect::<Vec<_>>();
    if let Some(module) = modules.keys().find(|module| !known.contains(*module)) {
        return Err(format!(
            "the tests of `{module}` stand for no feature in xtask/src/compatibility.rs"
        )
        .into());
    }
    let mut page = PREFACE.to_owned();
    let mut chapter = "";
    for (of, feature, module) in FEATURES {
        if *of != chapter {
            chapter = of;
            write!(
                page,
                "\n## {chapter}\n\n| feature | Fluss 0.9.1 | shown by |\n|---|---|---|\n"
            )?;
        }
        let tests = modules
            .get(module)
            .ok_or_else(|| format!("no test of `{module}` passed, which shows: {feature}"))?;
        let plural = if *tests == 1 { "" } else { "s" };
        writeln!(
            page,
            "| {feature} | yes | `{module}`, {tests} test{plural} |"
        )?;
    }
    Ok(page)
}

const PREFACE: &str = "\
# Compatibility

What works with which server. The tables are generated from the integration tests that passed on a real cluster
(`cargo xtask test --compatibility` writes this page, `cargo xtask test` verifies it), so every line has a passing test.

| server | state |
|---|---|
| Fluss 0.9.1-incubating | three tablet servers, SASL and access rules, tiered log segments; all tests below |
| Fluss 1.0 | no 1.0 server has been published yet. Messages and formats are tested against data written by its Java classes. Fields and calls that are new in 1.0 are used if the server offers them in the handshake; calls that a server does not offer fail before anything is sent |
| older than 0.9 | not tested |

The client negotiates the version of each call with each server in the handshake, so one client works with clusters of both
versions, even during an upgrade.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_passed_tests_are_counted_by_module() {
        let mut passed = Passed::default();
        for line in [
            "running 3 tests",
            "test admin::acl::rules ... ok",
            "test scenarios::real::admin::acl::refusals ... ok",
            "test scenarios::mock::admin::acl::refusals ... ok",
            "test scenarios::the_scenarios_are_counted ... ok",
            "test sasl::wrong ... FAILED",
        ] {
            passed.read(line);
        }
        assert_eq!(passed.modules(), BTreeMap::from([("admin::acl", 2)]));
        let refusals = BTreeSet::from(["admin::acl::refusals"]);
        assert_eq!(passed.scenarios(On::Mock), refusals);
        assert_eq!(passed.scenarios(On::Real), refusals);
    }

    #[test]
    fn a_module_that_stands_for_nothing_is_refused() {
        let mut passed = Passed::default();
        passed.read("test brand_new::thing ... ok");
        assert!(page(&passed).unwrap_err().to_string().contains("brand_new"));
    }
}
