//! The configuration of a cluster. Source: `ConfigEntry.java`.

use super::record::record;
use crate::choice::choices;

choices! {
    /// Where the value of a configuration entry comes from.
    ConfigSource("config source") {
        /// It was changed while the cluster was running.
        DynamicServerConfig => "DYNAMIC_SERVER_CONFIG",
        /// The servers were started with it.
        InitialServerConfig => "INITIAL_SERVER_CONFIG",
    }
}

record! {
    /// An entry of the cluster's configuration. Changes to it are [`AlterConfig`](crate::AlterConfig)s.
    #[derive(Debug, Clone, PartialEq, Eq)]
    ConfigEntry {
        /// Its name.
        key: String as [&str],
        /// Its value.
        value: Option<String> as [Option<&str>],
        /// Where the value comes from; `None` for a source that this client does not know.
        source: Option<ConfigSource>,
    }
}
