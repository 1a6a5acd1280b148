//! Dispatches a request: checks its version and the authentication, and calls the function that serves it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use fluss_wire::api::{ApiKey, ApiRequest, Repeatable};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::{self, RequestFrame};
use fluss_wire::message::{ApiVersionsRequest, FetchLogRequest};
use fluss_wire::{Segments, codec};

use super::identity::Server;
use crate::api;
use crate::reply::{Result, fail, failure, internal};
use crate::serve::caller::Caller;
use crate::serve::{
    acl, alter, config, database, fetch, handshake, lake, lookup, metadata, offsets, partition,
    producer, put, scan, scan_kv, snapshot, stats, table, tag, tiering, write,
};
use crate::state::State;

/// A response as it is sent.
pub(super) enum Answer {
    Now(Segments),
    /// A response that has to wait. It does not hold up those of later requests.
    Later(Pin<Box<dyn Future<Output = Segments> + Send>>),
}

/// The state of a connection.
pub(super) struct Session {
    server: Server,
    caller: Caller,
    authenticated: bool,
}

impl Session {
    pub(super) fn new(server: Server) -> Self {
        let authenticated = server.shared.users.is_empty();
        let caller = Caller::anonymous(server.id, server.kind);
        Self {
            server,
            caller,
            authenticated,
        }
    }

    pub(super) fn on_request(&mut self, request: RequestFrame) -> Answer {
        let id = request.request_id;
        match self.checked(&request) {
            Ok(api) => self.serve(api, id, request.body),
            Err(error) => Answer::Now(failure(id, &error)),
        }
    }

    /// Returns the API of the request, if it may be served.
    fn checked(&self, request: &RequestFrame) -> Result<ApiKey> {
        let (kind, release) = (self.server.kind, self.server.shared.release);
        let api = ApiKey::from_code(request.api_key);
        let range = api.and_then(|api| api::versions(api, kind, release));
        let (Some(api), Some(range)) = (api, range) else {
            return fail(
                ErrorCode::UNSUPPORTED_VERSION,
                format!(
                    "the mock cluster does not serve API key {} on this server",
                    request.api_key
                ),
            );
        };
        if !(range.min..=range.max).contains(&request.api_version) {
            return fail(
                ErrorCode::UNSUPPORTED_VERSION,
                format!("{api} has versions {range}, got {}", request.api_version),
            );
        }
        let is_handshake = matches!(api, ApiKey::ApiVersions | ApiKey::Authenticate);
        if !self.authenticated && !is_handshake {
            return fail(
                ErrorCode::AUTHENTICATE_EXCEPTION,
                "the connection is not authenticated yet",
            );
        }
        Ok(api)
    }

    fn serve(&mut self, api: ApiKey, id: i32, body: Bytes) -> Answer {
        let server = &self.server;
        let (kind, shared) = (server.kind, &server.shared);
        let answer = match api {
            ApiKey::ApiVersions => reply(id, body, |_: ApiVersionsRequest| {
                Ok(api::answer(kind, shared.release))
            }),
            ApiKey::Authenticate => {
                let (authenticated, caller) = (&mut self.authenticated, &mut self.caller);
                reply(id, body, |request| {
                    let answer = handshake::authenticate(&shared.users, &request, caller)?;
                    *authenticated = true;
                    Ok(answer)
                })
            }
            ApiKey::CreateDatabase => self.with(id, body, database::create),
            ApiKey::DropDatabase => self.with(id, body, database::drop),
            ApiKey::ListDatabases => self.with(id, body, database::list),
            ApiKey::DatabaseExists => self.with(id, body, database::exists),
            ApiKey::GetDatabaseInfo => self.with(id, body, database::info),
            ApiKey::CreateTable => self.with(id, body, table::create),
            ApiKey::DropTable => self.with(id, body, table::drop),
            ApiKey::GetTableInfo => self.with(id, body, table::info),
            ApiKey::ListTables => self.with(id, body, table::list),
            ApiKey::TableExists => self.with(id, body, table::exists),
            ApiKey::GetTableSchema => self.with(id, body, table::schema),
            ApiKey::CreatePartition => self.with(id, body, partition::create),
            ApiKey::DropPartition => self.with(id, body, partition::drop),
            ApiKey::ListPartitionInfos => self.with(id, body, partition::list),
            ApiKey::CreateAcls => self.with(id, body, acl::create),
            ApiKey::ListAcls => self.with(id, body, acl::list),
            ApiKey::DropAcls => self.with(id, body, acl::drop),
            ApiKey::AlterTable => self.with(id, body, alter::alter),
            ApiKey::AlterDatabase => self.with(id, body, database::alter),
            ApiKey::DescribeClusterConfigs => self.with(id, body, config::describe),
            ApiKey::AlterClusterConfigs => self.with(id, body, config::alter),
            ApiKey::GetMetadata => self.with(id, body, metadata::answer),
            ApiKey::InitWriter => self.with(id, body, write::init),
            ApiKey::ProduceLog => self.with(id, body, write::produce),
            ApiKey::PutKv => self.with(id, body, put::put),
            ApiKey::FetchLog => return self.fetch(id, body),
            ApiKey::ListOffsets => self.with(id, body, offsets::list),
            ApiKey::Lookup => self.with(id, body, lookup::by_key),
            ApiKey::PrefixLookup => self.with(id, body, lookup::by_prefix),
            ApiKey::LimitScan => self.with(id, body, scan::limited),
            ApiKey::ScanKv => self.with(id, body, scan_kv::page),
            ApiKey::GetTableStats => self.with(id, body, stats::table),
            ApiKey::GetClusterHealth => self.with(id, body, stats::health),
            ApiKey::RegisterProducerOffsets => self.with(id, body, producer::register),
            ApiKey::GetProducerOffsets => self.with(id, body, producer::get),
            ApiKey::DeleteProducerOffsets => self.with(id, body, producer::delete),
            ApiKey::AddServerTag => self.with(id, body, tag::add),
            ApiKey::RemoveServerTag => self.with(id, body, tag::remove),
            ApiKey::AddServerTagByRack => self.with(id, body, tag::add_by_rack),
            ApiKey::RemoveServerTagByRack => self.with(id, body, tag::remove_by_rack),
            ApiKey::Rebalance => self.with(id, body, tag::rebalance),
            ApiKey::ListRebalanceProgress => self.with(id, body, tag::progress),
            ApiKey::CancelRebalance => self.with(id, body, tag::cancel),
            ApiKey::GetLakeSnapshot => self.with(id, body, lake::get),
            ApiKey::PrepareLakeTableSnapshot => self.with(id, body, lake::prepare),
            ApiKey::CommitLakeTableSnapshot => self.with(id, body, lake::commit),
            ApiKey::GetLatestKvSnapshots => self.with(id, body, snapshot::latest),
            ApiKey::GetKvSnapshotMetadata => self.with(id, body, snapshot::metadata),
            ApiKey::ListKvSnapshots => self.with(id, body, snapshot::list),
            ApiKey::ListRemoteLogManifests => self.with(id, body, tiering::manifests),
            ApiKey::AcquireKvSnapshotLease => self.with(id, body, snapshot::acquire),
            ApiKey::ReleaseKvSnapshotLease => self.with(id, body, snapshot::release),
            ApiKey::DropKvSnapshotLease => self.with(id, body, snapshot::drop),
            // `checked` rejects all others.
            other => failure(
                id,
                &ServerError::new(
                    ErrorCode::UNSUPPORTED_VERSION,
                    format!("the mock cluster does not serve {other}"),
                ),
            ),
        };
        Answer::Now(answer)
    }

    /// Serves a request from the state. After a request that changes something, waiting fetches look again.
    fn with<R: ApiRequest>(
        &self,
        id: i32,
        body: Bytes,
        serve: impl FnOnce(&mut State, &Caller, &R) -> Result<R::Response>,
    ) -> Segments {
        let (shared, caller) = (&self.server.shared, &self.caller);
        let answer = reply(id, body, |request| {
            shared.with(|state| {
                state.keep_house();
                serve(state, caller, &request)
            })
        });
        if R::API_KEY.entry().repeatable == Repeatable::No {
            self.server.shared.announce();
        }
        answer
    }

    /// Responds when there is enough data, or the maximum wait of the client is over.
    fn fetch(&self, id: i32, body: Bytes) -> Answer {
        let request = match decode::<FetchLogRequest>(body) {
            Ok(request) => request,
            Err(error) => return Answer::Now(failure(id, &error)),
        };
        let (shared, caller) = (Arc::clone(&self.server.shared), self.caller.clone());
        Answer::Later(Box::pin(async move {
            answer(id, fetch::fetch(&shared, &caller, &request).await)
        }))
    }
}

fn reply<R: ApiRequest>(
    id: i32,
    body: Bytes,
    serve: impl FnOnce(R) -> Result<R::Response>,
) -> Segments {
    answer(id, decode(body).and_then(serve))
}

/// A real server does not respond to a message that it can't decode; a test needs the reason.
fn decode<R: ApiRequest>(body: Bytes) -> Result<R> {
    codec::decode(body).map_err(internal)
}

fn answer<M: codec::WireMessage>(id: i32, reply: Result<M>) -> Segments {
    let encoded = match reply {
        Ok(message) => frame::encode_success(id, &message),
        Err(error) => return failure(id, &error),
    };
    encoded.unwrap_or_else(|error| failure(id, &internal(error)))
}
