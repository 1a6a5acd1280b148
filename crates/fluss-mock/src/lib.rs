//! An Apache Fluss cluster in your process: it speaks the protocol over loopback TCP or in-process streams, and keeps
//! its data in memory.
//!
//! It is a test double, for your tests and for trying things out without a server. What it serves behaves as on a real
//! cluster, down to the error codes. What it does not serve is missing from its `API_VERSIONS` response and fails with
//! `UNSUPPORTED_VERSION`; nothing is faked. The README lists what is served.
//!
//! It shares frames, messages, rows and definitions with the client (`fluss-wire`, `fluss-row`, `fluss-metadata`), but
//! no code that waits, retries or routes: a bug there would be on both sides of a test and stay hidden.
//!
//! ```
//! use fluss_mock::MockCluster;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let cluster = MockCluster::builder().tablet_servers(3).start().await?;
//! println!("bootstrap servers: {}", cluster.bootstrap_servers());
//! # Ok(())
//! # }
//! ```

// docs.rs sets it: items that need a feature say so.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod builder;
mod clock;
mod cluster;
pub mod fault;
mod journal;
mod network;
pub mod oracle;
mod port;
mod proxy;
mod random;
mod release;
mod reply;
mod running;
mod serve;
mod server;
mod server_id;
mod settings;
mod state;
mod transport;
mod verbs;

pub use builder::MockClusterBuilder;
pub use cluster::MockCluster;
pub use fluss_wire::api::ApiKey;
pub use fluss_wire::error_code::ErrorCode;
/// The message types of the protocol, for rules and requests that look at single fields.
#[doc(inline)]
pub use fluss_wire::message as raw;
pub use journal::Request;
pub use network::Network;
pub use port::Port;
pub use proxy::FaultProxy;
pub use release::Release;
pub use server_id::ServerId;

/// The README's program, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
