//! Asks a server, in its own protocol, whether the cluster works.
//!
//! Four messages written by hand rather than `fluss-wire`: this tool generates part of that crate and must compile
//! while it doesn't.

mod protobuf;

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    thread,
    time::{Duration, Instant},
};

use self::protobuf::{Field, fields, put_bytes, put_number};
use super::state::State;
use crate::Result;

const API_VERSIONS: u16 = 1000;
const CREATE_DATABASE: u16 = 1001;
const DROP_DATABASE: u16 = 1002;
const CREATE_TABLE: u16 = 1005;
const GET_METADATA: u16 = 1012;

const PATIENCE: Duration = Duration::from_secs(20);
const MAX_ANSWER: usize = 16 << 20;

const DATABASE: &str = "xtask_probe";
const TABLE: &str = "probe";

/// Fails unless a Fluss server is at that address.
pub(super) fn server_answers(address: &str) -> Result<()> {
    let mut body = Vec::new();
    put_bytes(&mut body, 1, b"xtask");
    put_bytes(&mut body, 2, b"0");
    Client::connect(address)?
        .call(API_VERSIONS, &body)
        .map(drop)
}

/// Waits until the server at that address knows exactly so many tablet servers.
pub(super) fn wait_for_servers(address: &str, tablets: usize, within: Duration) -> Result<()> {
    let since = Instant::now();
    loop {
        let seen = Client::connect(address).and_then(|mut client| client.tablet_servers());
        match seen {
            Ok(count) if count == tablets => return Ok(()),
            _ if since.elapsed() < within => thread::sleep(Duration::from_millis(200)),
            Ok(count) => {
                return Err(format!("{count} of {tablets} tablet servers after {within:?}").into());
            }
            Err(error) => return Err(error),
        }
    }
}

/// Creates a table with a bucket for each tablet server, waits until each bucket has a leader, drops it.
pub(super) fn table_can_be_created(state: &State) -> Result<()> {
    let tablets = state.options.tablets as usize;
    let mut client = Client::connect(&state.internal)?;
    let seen = client.tablet_servers()?;
    if seen != tablets {
        return Err(format!("{seen} of {tablets} tablet servers are registered").into());
    }
    if state.bootstrap != state.internal {
        server_answers(&state.bootstrap)?;
    }

    let mut database = Vec::new();
    put_bytes(&mut database, 1, DATABASE.as_bytes());
    put_number(&mut database, 2, 1);
    client.call(CREATE_DATABASE, &database)?;

    let mut table = Vec::new();
    put_bytes(&mut table, 1, &table_path());
    put_bytes(&mut table, 2, table_json(tablets).as_bytes());
    put_number(&mut table, 3, 1);
    client.call(CREATE_TABLE, &table)?;

    let since = Instant::now();
    while client.leaders()? < tablets {
        if since.elapsed() > PATIENCE {
            return Err("a new table's buckets get no leaders".into());
        }
        thread::sleep(Duration::from_millis(100));
    }

    put_number(&mut database, 3, 1);
    client.call(DROP_DATABASE, &database).map(drop)
}

fn table_path() -> Vec<u8> {
    let mut path = Vec::new();
    put_bytes(&mut path, 1, DATABASE.as_bytes());
    put_bytes(&mut path, 2, TABLE.as_bytes());
    path
}

fn table_json(buckets: usize) -> String {
    serde_json::json!({
        "version": 1,
        "schema": {
            "version": 1,
            "columns": [{"name": "a", "data_type": {"type": "INTEGER"}, "id": 0}],
            "highest_field_id": 0
        },
        "partition_key": [],
        "bucket_key": [],
        "bucket_count": buckets,
        "properties": {"table.replication.factor": "1"},
        "custom_properties": {}
    })
    .to_string()
}

/// One connection, one request at a time.
struct Client {
    stream: TcpStream,
    next_id: u32,
}

impl Client {
    fn connect(address: &str) -> Result<Self> {
        let mut failure = format!("{address} names no host");
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return Ok(Self { stream, next_id: 0 });
                }
                Err(error) => failure = format!("{address}: {error}"),
            }
        }
        Err(failure.into())
    }

    /// Sends a request in version 0 and returns the body of the answer.
    fn call(&mut self, api: u16, body: &[u8]) -> Result<Vec<u8>> {
        let id = self.next_id;
        self.next_id += 1;
        let mut frame = Vec::new();
        frame.extend_from_slice(&u32::try_from(8 + body.len())?.to_be_bytes());
        frame.extend_from_slice(&api.to_be_bytes());
        frame.extend_from_slice(&0_u16.to_be_bytes());
        frame.extend_from_slice(&id.to_be_bytes());
        frame.extend_from_slice(body);
        self.stream.write_all(&frame)?;

        let mut len = [0; 4];
        self.stream.read_exact(&mut len)?;
        let len = u32::from_be_bytes(len) as usize;
        if len > MAX_ANSWER {
            return Err(format!("an answer of {len} bytes to api {api}").into());
        }
        let mut answer = vec![0; len];
        self.stream.read_exact(&mut answer)?;
        let (kind, rest) = answer.split_first().ok_or("an empty answer")?;
        match (kind, rest.split_at_checked(4)) {
            (0, Some((answered, body))) if answered == id.to_be_bytes() => Ok(body.to_vec()),
            (1, Some((_, error))) => Err(server_error(api, error).into()),
            (2, _) => Err(server_error(api, rest).into()),
            _ => Err(format!("a strange answer to api {api}").into()),
        }
    }

    /// How many tablet servers are alive.
    fn tablet_servers(&mut self) -> Result<usize> {
        let answer = self.call(GET_METADATA, &[])?;
        Ok(fields(&answer).filter(|(field, _)| *field == 2).count())
    }

    /// How many buckets of the probe's table have leaders.
    fn leaders(&mut self) -> Result<usize> {
        let mut request = Vec::new();
        put_bytes(&mut request, 1, &table_path());
        let answer = self.call(GET_METADATA, &request)?;
        let buckets = inner(&answer, 3).flat_map(|table| inner(table, 5));
        Ok(buckets
            .filter(|bucket| fields(bucket).any(|(field, _)| field == 2))
            .count())
    }
}

/// The messages in that field.
fn inner(message: &[u8], wanted: u32) -> impl Iterator<Item = &[u8]> {
    fields(message).filter_map(move |(field, value)| match value {
        Field::Bytes(value) if field == wanted => Some(value),
        _ => None,
    })
}

fn server_error(api: u16, error: &[u8]) -> String {
    let mut code = 0;
    let mut text = String::new();
    for (field, value) in fields(error) {
        match (field, value) {
            (1, Field::Number(number)) => code = number as i32,
            (2, Field::Bytes(bytes)) => text = String::from_utf8_lossy(bytes).into_owned(),
            _ => {}
        }
    }
    format!("api {api} answers error {code}: {text}")
}
