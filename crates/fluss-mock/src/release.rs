//! The releases of Fluss that a cluster can behave like.

/// The release of Fluss that a cluster behaves like: it decides the API versions on offer, and details of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Release {
    /// 0.9.1.
    #[default]
    V0_9_1,
    /// 1.0.0.
    V1_0,
}
