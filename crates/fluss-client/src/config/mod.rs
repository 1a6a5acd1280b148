//! Settings and their defaults.

mod builder;
mod file_system;
mod load;
mod options;
mod properties;
mod scanner;
mod secret;
mod settings;
mod validate;
mod writer;

pub use builder::ConfigBuilder;
pub use file_system::FileSystemProperties;
pub use options::{ConfigOption, Effect, OptionKind, Origin, environment_variable, options};
pub use scanner::ReadPreference;
pub use secret::Password;
pub use settings::{Config, DriverPlacement, SecurityProtocol};
pub use writer::{Acks, BucketAssigner};
