//! From a request to its answer: who may ask, in which version, and which function answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use fluss_wire::api::{ApiKey, ApiRequest, Repeatable};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::{self, RequestFrame};
use fluss_wire::message::{ApiVersionsRequest, FetchLogRequest};
use fluss_wire::version::ServerType;
use fluss_wire::{Segments, codec};

use super::Server;
use crate::api;
use crate::serve::{
    database, fetch, handshake, lookup, metadata, offsets, partition, put, scan, table, write,
};
use crate::state::State;

/// The result of serving a request.
type Reply<T> = Result<T, ServerError>;

/// An answer as it goes out.
pub(super) enum Answer {
    Now(Segments),
    /// One that waits for something; it doesn't hold up those of later requests.
    Later(Pin<Box<dyn Future<Output = Segments> + Send>>),
}

/// What a server knows of a connection.
pub(super) struct Session {
    server: Server,
    authenticated: bool,
}

impl Session {
    pub(super) fn new(server: Server) -> Self {
        let authenticated = server.shared.users.is_empty();
        Self {
            server,
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

    /// The API of a request that may be served.
    fn checked(&self, request: &RequestFrame) -> Reply<ApiKey> {
        let (kind, release) = (self.server.kind, self.server.shared.release);
        let api = ApiKey::from_code(request.api_key);
        let range = api.and_then(|api| api::versions(api, kind, release));
        let (Some(api), Some(range)) = (api, range) else {
            return Err(ServerError::new(
                ErrorCode::UNSUPPORTED_VERSION,
                format!(
                    "the mock cluster does not serve API {} here",
                    request.api_key
                ),
            ));
        };
        if !(range.min..=range.max).contains(&request.api_version) {
            return Err(ServerError::new(
                ErrorCode::UNSUPPORTED_VERSION,
                format!("{api} has versions {range}, got {}", request.api_version),
            ));
        }
        let is_handshake = matches!(api, ApiKey::ApiVersions | ApiKey::Authenticate);
        if !self.authenticated && !is_handshake {
            return Err(ServerError::new(
                ErrorCode::AUTHENTICATE_EXCEPTION,
                "the connection is not authenticated yet",
            ));
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
                let authenticated = &mut self.authenticated;
                reply(id, body, |request| {
                    let answer = handshake::authenticate(&shared.users, &request)?;
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
            ApiKey::GetMetadata => {
                let server = (kind == ServerType::TabletServer).then_some(server.id);
                self.with(id, body, |state, request| {
                    metadata::answer(state, server, request)
                })
            }
            ApiKey::InitWriter => self.with(id, body, write::init),
            ApiKey::ProduceLog => self.lead(id, body, write::produce),
            ApiKey::PutKv => self.lead(id, body, put::put),
            ApiKey::FetchLog => return self.fetch(id, body),
            ApiKey::ListOffsets => self.lead(id, body, offsets::list),
            ApiKey::Lookup => self.lead(id, body, lookup::by_key),
            ApiKey::PrefixLookup => self.lead(id, body, lookup::by_prefix),
            ApiKey::LimitScan => self.lead(id, body, scan::limited),
            // `checked` lets nothing else through.
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

    /// Answers from the state. After a request that changes something, those who wait look again.
    fn with<R: ApiRequest>(
        &self,
        id: i32,
        body: Bytes,
        serve: impl FnOnce(&mut State, &R) -> Reply<R::Response>,
    ) -> Segments {
        let answer = reply(id, body, |request| {
            self.server.shared.with(|state| serve(state, &request))
        });
        if R::API_KEY.entry().repeatable == Repeatable::No {
            self.server.shared.announce();
        }
        answer
    }

    /// Answers as the leader of buckets.
    fn lead<R: ApiRequest>(
        &self,
        id: i32,
        body: Bytes,
        serve: impl FnOnce(&mut State, i32, &R) -> Reply<R::Response>,
    ) -> Segments {
        let server = self.server.id;
        self.with(id, body, |state, request| serve(state, server, request))
    }

    /// Answers when there is enough to answer with, or the client wants to wait no longer.
    fn fetch(&self, id: i32, body: Bytes) -> Answer {
        let request = match decode::<FetchLogRequest>(body) {
            Ok(request) => request,
            Err(error) => return Answer::Now(failure(id, &error)),
        };
        let (shared, server) = (Arc::clone(&self.server.shared), self.server.id);
        Answer::Later(Box::pin(async move {
            answer(id, fetch::fetch(&shared, server, &request).await)
        }))
    }
}

fn reply<R: ApiRequest>(
    id: i32,
    body: Bytes,
    serve: impl FnOnce(R) -> Reply<R::Response>,
) -> Segments {
    answer(id, decode(body).and_then(serve))
}

/// A real server doesn't answer what it can't read; here somebody looks for the reason.
fn decode<R: ApiRequest>(body: Bytes) -> Reply<R> {
    codec::decode(body)
        .map_err(|error| ServerError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string()))
}

fn answer<M: codec::WireMessage>(id: i32, reply: Reply<M>) -> Segments {
    let encoded = match reply {
        Ok(message) => frame::encode_success(id, &message),
        Err(error) => return failure(id, &error),
    };
    encoded.unwrap_or_else(|error| {
        failure(
            id,
            &ServerError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string()),
        )
    })
}

pub(super) fn failure(id: i32, error: &ServerError) -> Segments {
    // Only a frame of more than 2 GiB can't be made, and the text is none.
    frame::encode_error(id, error).unwrap_or_default()
}
