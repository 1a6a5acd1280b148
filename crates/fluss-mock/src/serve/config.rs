//! Describes and changes the configuration of the servers.

use fluss_metadata::{ConfigSource, OperationType};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    AlterClusterConfigsRequest, AlterClusterConfigsResponse, DescribeClusterConfigsRequest,
    DescribeClusterConfigsResponse, PbDescribeConfig,
};

use super::caller::Caller;
use super::properties;
use crate::release::Release;
use crate::reply::{Result, fail};
use crate::state::{Config, State};

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn describe(
    state: &mut State,
    caller: &Caller,
    _: &DescribeClusterConfigsRequest,
) -> Result<DescribeClusterConfigsResponse> {
    caller.must_on_cluster(state, OperationType::Describe)?;
    let Config { initial, dynamic } = &state.config;
    let unchanged = initial
        .iter()
        .filter(|(key, _)| !dynamic.contains_key(*key));
    let unchanged = unchanged.map(|entry| (entry, ConfigSource::InitialServerConfig));
    let changed = dynamic.iter();
    let changed = changed.map(|entry| (entry, ConfigSource::DynamicServerConfig));
    let configs = unchanged.chain(changed);
    Ok(DescribeClusterConfigsResponse {
        configs: configs
            .map(|((key, value), source)| PbDescribeConfig {
                config_key: key.clone(),
                config_value: Some(value.clone()),
                config_source: source.name().to_owned(),
            })
            .collect(),
    })
}

/// Applies all changes or none.
pub(crate) fn alter(
    state: &mut State,
    caller: &Caller,
    request: &AlterClusterConfigsRequest,
) -> Result<AlterClusterConfigsResponse> {
    if request.alter_configs.is_empty() {
        return Ok(AlterClusterConfigsResponse {});
    }
    caller.must_on_cluster(state, OperationType::Alter)?;
    let code = match state.release {
        Release::V0_9_1 => ErrorCode::UNKNOWN_SERVER_ERROR,
        Release::V1_0 => ErrorCode::CONFIG_EXCEPTION,
    };
    let mut changed = state.config.dynamic.clone();
    for change in &request.alter_configs {
        let key = &change.config_key;
        if !Config::is_changeable(key) {
            return fail(
                code,
                format!("The config key {key} is not allowed to be changed dynamically."),
            );
        }
        if properties::change(&mut changed, change).is_err() {
            return fail(
                code,
                format!("Unsupported config operation type {}", change.op_type),
            );
        }
    }
    state.config.dynamic = changed;
    Ok(AlterClusterConfigsResponse {})
}
