//! A client that sends one request, and waits for its answer.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use fluss_metadata::{DataTypes, Schema, TableDescriptor, TableDescriptorBuilder};
use fluss_mock::MockCluster;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::{self, FrameDecoder, FrameError, Response};
use fluss_wire::message::{CreateTableRequest, PbTablePath};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    received: BytesMut,
    decoder: FrameDecoder,
    next_id: i32,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            received: BytesMut::new(),
            decoder: FrameDecoder::new(100 << 20),
            next_id: 7,
        }
    }

    /// In the highest version that this crate knows of.
    pub(crate) async fn call<R: ApiRequest>(
        &mut self,
        request: R,
    ) -> Result<R::Response, ServerError> {
        let versions = R::API_KEY.entry().versions_in_0_9_1.unwrap();
        let id = self.send(versions.max, &request).await;
        match self.receive().await {
            Response::Success { request_id, body } => {
                assert_eq!(request_id, id);
                Ok(codec::decode(body).unwrap())
            }
            Response::Error { request_id, error } => {
                assert_eq!(request_id, id);
                Err(error)
            }
            failure @ Response::ServerFailure { .. } => panic!("{failure:?}"),
        }
    }

    pub(crate) async fn code<R: ApiRequest>(&mut self, request: R) -> ErrorCode {
        let error = self.call(request).await;
        error.map_or_else(|error| error.code, |_| ErrorCode::NONE)
    }

    pub(crate) async fn send<R: ApiRequest>(&mut self, version: i16, request: &R) -> i32 {
        self.try_send(version, request).await.unwrap();
        self.next_id
    }

    /// Fails if the connection is closed.
    pub(crate) async fn try_send<R: ApiRequest>(
        &mut self,
        version: i16,
        request: &R,
    ) -> io::Result<()> {
        self.next_id += 1;
        let mut frame = frame::encode_request(version, self.next_id, request).unwrap();
        self.stream.write_all_buf(&mut frame).await
    }

    pub(crate) fn last_id(&self) -> i32 {
        self.next_id
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Response {
        match self.try_receive().await {
            Some(response) => response.unwrap(),
            None => panic!("the server closed the connection"),
        }
    }

    /// `None` at the end of the connection.
    pub(crate) async fn try_receive(&mut self) -> Option<Result<Response, FrameError>> {
        loop {
            match self.decoder.decode(&mut self.received) {
                Ok(Some(frame)) => return Some(frame::decode_response(frame)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
            let read = self.stream.read_buf(&mut self.received).await;
            if matches!(read, Ok(0) | Err(_)) {
                return None;
            }
        }
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        matches!(
            self.stream.read_buf(&mut self.received).await,
            Ok(0) | Err(_)
        )
    }
}

/// A cluster with one tablet server, and a client of each server.
pub(crate) async fn cluster() -> (MockCluster, Client, Client) {
    let cluster = MockCluster::start().await.unwrap();
    let coordinator = Client::connect(cluster.coordinator()).await;
    let tablet = Client::connect(cluster.tablet_servers()[0]).await;
    (cluster, coordinator, tablet)
}

pub(crate) fn path(table: &str) -> PbTablePath {
    PbTablePath {
        database_name: "fluss".to_owned(),
        table_name: table.to_owned(),
    }
}

/// Of the columns `id INT` and `name STRING`, with a primary key `id` or without.
pub(crate) fn descriptor(primary_key: bool) -> TableDescriptorBuilder {
    let mut schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string());
    if primary_key {
        schema = schema.primary_key(["id"]);
    }
    TableDescriptor::builder().schema(schema.build().unwrap())
}

pub(crate) fn create(name: &str, descriptor: TableDescriptorBuilder) -> CreateTableRequest {
    CreateTableRequest {
        table_path: path(name),
        table_json: descriptor.build().unwrap().to_json().into(),
        ignore_if_exists: false,
    }
}

pub(crate) fn every_api() -> impl Iterator<Item = ApiKey> {
    fluss_wire::api::TABLE.iter().map(|entry| entry.key)
}
