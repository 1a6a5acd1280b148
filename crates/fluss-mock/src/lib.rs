//! A Fluss cluster inside the process: it speaks the protocol over loopback TCP or streams inside the process, and
//! keeps its data in memory.
//!
//! It is a test double, for the tests of whoever uses Fluss and for trying things out without a server. What it serves, it
//! serves as a real cluster does, down to the codes of errors; what it doesn't serve, it leaves out of its answer to
//! `API_VERSIONS`, and answers with `UNSUPPORTED_VERSION` when asked nevertheless. Nothing is pretended. The README lists
//! what is served.
//!
//! It shares the frames, messages, rows and definitions with the client (`fluss-wire`, `fluss-row`, `fluss-metadata`), and
//! nothing that waits, retries or routes: a fault there would hide from a test that has it on both sides.
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
mod verbs;

pub use builder::MockClusterBuilder;
pub use cluster::MockCluster;
pub use fluss_wire::api::ApiKey;
pub use fluss_wire::error_code::ErrorCode;
pub use fluss_wire::message;
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
