//! Build tool of the workspace.
fn main() {}
