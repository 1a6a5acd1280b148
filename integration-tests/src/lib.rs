//! Tests against a whole cluster.
