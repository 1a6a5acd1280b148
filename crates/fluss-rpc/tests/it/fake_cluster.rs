//! A cluster in memory that answers metadata and a few other things, as far as the tests of routing need it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fluss_metadata::{TableBucket, TablePath};
use fluss_rpc::{Cluster, Result, RpcConfig};
use fluss_wire::codec;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::frame::RequestFrame;
use fluss_wire::message::{
    CreateDatabaseResponse, LimitScanResponse, MetadataRequest, MetadataResponse, PbBucketMetadata,
    PbPartitionMetadata, PbServerNode, PbTableMetadata,
};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::connection::named;
use crate::net::{COORDINATOR, Net, Peer, TABLET, config};

/// What a server does with a request beside metadata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Conduct {
    Serves,
    Fails(ErrorCode),
    /// Never answers.
    Hangs,
    /// Reads the request and closes.
    Closes,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) id: i32,
    pub(crate) address: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) coordinator: Option<Server>,
    pub(crate) tablets: Vec<Server>,
    /// Table ids and leaders, bucket by bucket.
    pub(crate) tables: BTreeMap<String, (i64, Vec<Option<i32>>)>,
    /// Ids and leaders of the partitions of a table, by name.
    pub(crate) partitions: BTreeMap<(String, String), (i64, i32)>,
    /// Servers that know nobody yet, by address.
    pub(crate) starting: BTreeSet<String>,
    pub(crate) conduct: BTreeMap<String, Conduct>,
    pub(crate) metadata_delay: Duration,
    /// What was asked: the address and the API, metadata aside.
    pub(crate) calls: Vec<(String, i16)>,
    pub(crate) metadata: Vec<MetadataRequest>,
    /// Metadata requests under way, and the most there were.
    pub(crate) asking: usize,
    pub(crate) most_asking: usize,
}

#[derive(Clone)]
pub(crate) struct FakeCluster {
    pub(crate) net: Net,
    state: Arc<Mutex<State>>,
}

impl FakeCluster {
    /// A coordinator at `c:1` and tablet servers 1 to `tablets` at `t1:1` and so on.
    pub(crate) fn new(tablets: i32) -> Self {
        let cluster = Self {
            net: Net::default(),
            state: Arc::default(),
        };
        let server = |id, address: String| Server { id, address };
        cluster.set(|state| {
            state.coordinator = Some(server(0, "c:1".to_owned()));
            let tablets = (1..=tablets).map(|id| server(id, format!("t{id}:1")));
            state.tablets = tablets.collect();
        });
        cluster.host("c:1", COORDINATOR);
        for id in 1..=tablets {
            cluster.host(&format!("t{id}:1"), TABLET);
        }
        cluster
    }

    /// Starts a server of that kind at an address, whether the metadata knows it or not.
    pub(crate) fn host(&self, address: &str, kind: i32) {
        let (cluster, at) = (self.clone(), address.to_owned());
        self.net.serve(address, move |peer, _| {
            let (cluster, at) = (cluster.clone(), at.clone());
            async move { cluster.serve(peer, &at, kind).await }
        });
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    pub(crate) fn table(&self, name: &str, id: i64, leaders: &[Option<i32>]) {
        self.set(|state| state.tables.insert(name.to_owned(), (id, leaders.to_vec())));
    }

    /// The metadata requests since this was last asked.
    pub(crate) fn take_metadata(&self) -> Vec<MetadataRequest> {
        self.set(|state| std::mem::take(&mut state.metadata))
    }

    /// The calls since this was last asked.
    pub(crate) fn take_calls(&self) -> Vec<(String, i16)> {
        self.set(|state| std::mem::take(&mut state.calls))
    }

    pub(crate) async fn connect_to(
        &self,
        addresses: &[&str],
        config: RpcConfig,
    ) -> Result<Cluster> {
        let bootstrap = addresses
            .iter()
            .map(|address| {
                let (host, port) = address.split_once(':').unwrap();
                (host.to_owned(), port.parse().unwrap())
            })
            .collect();
        Cluster::connect_with(config, bootstrap, self.net.dialer(), Handle::current()).await
    }

    pub(crate) async fn connect(&self) -> Cluster {
        let cluster = self.connect_to(&["t1:1"], config()).await.unwrap();
        self.take_metadata();
        cluster
    }

    async fn serve(self, mut peer: Peer, at: &str, kind: i32) {
        peer.handshake(kind).await;
        while let Some(request) = peer.request().await {
            if request.api_key == 1012 {
                self.answer_metadata(&mut peer, at, request).await;
                continue;
            }
            let conduct = self.set(|state| {
                state.calls.push((at.to_owned(), request.api_key));
                state.conduct.get(at).copied()
            });
            let id = request.request_id;
            match conduct.unwrap_or(Conduct::Serves) {
                Conduct::Closes => return,
                Conduct::Hangs => {}
                Conduct::Fails(code) => peer.fail(id, code).await,
                Conduct::Serves => match request.api_key {
                    1001 => peer.succeed(id, &CreateDatabaseResponse::default()).await,
                    1003 => peer.succeed(id, &named(at)).await,
                    1033 => peer.succeed(id, &LimitScanResponse::default()).await,
                    other => panic!("api {other} is not served"),
                },
            }
        }
    }

    async fn answer_metadata(&self, peer: &mut Peer, at: &str, frame: RequestFrame) {
        let request: MetadataRequest = codec::decode(frame.body).unwrap();
        let delay = self.set(|state| {
            state.asking += 1;
            state.most_asking = state.most_asking.max(state.asking);
            state.metadata_delay
        });
        sleep(delay).await;
        let answer = self.set(|state| {
            state.asking -= 1;
            state.metadata.push(request.clone());
            state.answer(at, &request)
        });
        match answer {
            Ok(answer) => peer.succeed(frame.request_id, &answer).await,
            Err(code) => peer.fail(frame.request_id, code).await,
        }
    }
}

impl State {
    fn answer(
        &self,
        at: &str,
        request: &MetadataRequest,
    ) -> std::result::Result<MetadataResponse, ErrorCode> {
        let mut answer = MetadataResponse {
            coordinator_server: self.coordinator.as_ref().map(node),
            tablet_servers: self.tablets.iter().map(node).collect(),
            ..MetadataResponse::default()
        };
        if self.starting.contains(at) {
            answer.tablet_servers.clear();
        }
        for path in &request.table_path {
            let (table_id, leaders) = self
                .tables
                .get(&path.table_name)
                .ok_or(ErrorCode::TABLE_NOT_EXIST)?;
            if path.table_name == "hidden" {
                continue;
            }
            answer.table_metadata.push(PbTableMetadata {
                table_path: path.clone(),
                table_id: *table_id,
                bucket_metadata: buckets(leaders).into(),
                ..PbTableMetadata::default()
            });
        }
        for path in &request.partitions_path {
            let name = path.partition_name.clone().unwrap();
            let partition =
                self.partition(|(table, known), _| *table == path.table_name && *known == name);
            answer.partition_metadata.push(partition?);
        }
        for id in &request.partitions_id {
            let partition = self.partition(|(table, _), known| {
                known == *id
                    && request
                        .table_path
                        .iter()
                        .any(|path| path.table_name == *table)
            });
            answer.partition_metadata.push(partition?);
        }
        Ok(answer)
    }

    fn partition(
        &self,
        wanted: impl Fn(&(String, String), i64) -> bool,
    ) -> std::result::Result<PbPartitionMetadata, ErrorCode> {
        let mut known = self.partitions.iter();
        let ((table, name), (id, leader)) = known
            .find(|(key, (id, _))| wanted(key, *id))
            .ok_or(ErrorCode::PARTITION_NOT_EXISTS)?;
        Ok(PbPartitionMetadata {
            table_id: self.tables[table].0,
            partition_name: name.clone(),
            partition_id: *id,
            bucket_metadata: buckets(&[Some(*leader)]).into(),
            ..PbPartitionMetadata::default()
        })
    }
}

fn node(server: &Server) -> PbServerNode {
    let (host, port) = server.address.split_once(':').unwrap();
    PbServerNode {
        node_id: server.id,
        host: host.to_owned(),
        port: port.parse().unwrap(),
        ..PbServerNode::default()
    }
}

fn buckets(leaders: &[Option<i32>]) -> Vec<PbBucketMetadata> {
    (0..)
        .zip(leaders)
        .map(|(bucket_id, leader_id)| PbBucketMetadata {
            bucket_id,
            leader_id: *leader_id,
            ..PbBucketMetadata::default()
        })
        .collect()
}

pub(crate) fn path(table: &str) -> TablePath {
    TablePath::new("db", table)
}

pub(crate) fn leader(cluster: &Cluster, bucket: &TableBucket) -> Option<i32> {
    cluster
        .view()
        .leader_of(bucket)
        .map(fluss_metadata::ServerNode::id)
}

pub(crate) fn tables_of(request: &MetadataRequest) -> Vec<&str> {
    request
        .table_path
        .iter()
        .map(|path| path.table_name.as_str())
        .collect()
}
