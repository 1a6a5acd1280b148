//! Tests against a whole cluster: what they share. The tests themselves are under `tests/`.

pub mod cluster;
pub mod java;
pub mod observed;
pub mod own_cluster;
pub mod rows;
pub mod s3;
pub mod support;
pub mod values;
pub mod wide;
