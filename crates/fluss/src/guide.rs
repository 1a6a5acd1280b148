//! The guide: one page for each task.
//!
//! - [Concepts](concepts): tables, buckets, partitions, offsets.
//! - [Writing](writing): rows and Arrow batches, upserts and deletes.
//! - [Reading](reading): a log or a changelog, as rows or Arrow batches, to an end or as a stream.
//! - [Lookups](lookups): rows by key.
//! - [Administration](admin): databases, tables, partitions, access rules, servers.
//! - [Column types](types): what to write and what to read for each of them.
//! - [Delivery and errors](delivery_and_errors): what is guaranteed, and which errors to retry.
//! - [Shutdown and runtimes](shutdown_and_runtimes): stop cleanly, run on a `current_thread` runtime.
//! - [Configuration](configuration) and [tuning].
//! - [Metrics and traces](metrics).
//! - [Security](security): authentication.
//! - [Testing](testing): test a service without a server.
//! - [Migrating](migrating) from another client.
//! - [Troubleshooting](troubleshooting).
//! - [Compatibility](compatibility): which servers work.
//!
//! Benchmarks and notes on the protocol are in the folder `docs` of the repository.

/// The targets of the pages' links on docs.rs. A page defines its links at its end, as paths for readers of the
/// repository. If a link is defined twice, the first definition wins.
macro_rules! links {
    () => {
        concat!(
            "[concepts]: crate::guide::concepts\n",
            "[writing]: crate::guide::writing\n",
            "[reading]: crate::guide::reading\n",
            "[lookups]: crate::guide::lookups\n",
            "[admin]: crate::guide::admin\n",
            "[types]: crate::guide::types\n",
            "[delivery-and-errors]: crate::guide::delivery_and_errors\n",
            "[shutdown-and-runtimes]: crate::guide::shutdown_and_runtimes\n",
            "[configuration]: crate::guide::configuration\n",
            "[tuning]: crate::guide::tuning\n",
            "[metrics]: crate::guide::metrics\n",
            "[security]: crate::guide::security\n",
            "[testing]: crate::guide::testing\n",
            "[migrating]: crate::guide::migrating\n",
            "[troubleshooting]: crate::guide::troubleshooting\n",
            "[compatibility]: crate::guide::compatibility\n",
            "[fluss-mock]: https://docs.rs/fluss-mock\n",
            // Pages of the repository alone.
            "[benchmarks]: crate::guide\n",
            "[protocol/administration]: crate::guide\n",
        )
    };
}

macro_rules! pages {
    ($($(#[$attribute:meta])* $name:ident = $file:literal;)*) => {
        $(
            $(#[$attribute])*
            #[doc = links!()]
            #[doc = ""]
            #[doc = include_str!(concat!("../docs/", $file, ".md"))]
            pub mod $name {}
        )*
    };
}

pages! {
    concepts = "concepts";
    writing = "writing";
    reading = "reading";
    lookups = "lookups";
    admin = "admin";
    types = "types";
    delivery_and_errors = "delivery-and-errors";
    shutdown_and_runtimes = "shutdown-and-runtimes";
    configuration = "configuration";
    tuning = "tuning";
    metrics = "metrics";
    security = "security";
    // Its snippets need the feature.
    #[cfg(any(not(doctest), feature = "mock"))]
    testing = "testing";
    migrating = "migrating";
    troubleshooting = "troubleshooting";
    compatibility = "compatibility";
}
