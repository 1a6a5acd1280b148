//! Fault rules between a client and a real cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};
use fluss_wire::Segments;
use fluss_wire::frame::{
    FrameDecoder, LENGTH_BYTES, REQUEST_HEADER_BYTES, RequestFrame, decode_request,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::fault::{
    ConnectFault, Fault, FaultHandle, Faults, Hit, Next, Rule, Timing, without_buckets,
};
use crate::network::Gatekeeper;
use crate::server_id::ServerId;
use crate::transport::{Alteration, MAX_FRAME_BYTES, Outgoing, WAITING_ANSWERS, refusal, write};

/// The buffer of a stream in each direction, in bytes.
const STREAM_BYTES: usize = 1 << 20;

/// A proxy between a client and a real cluster that applies [fault rules](crate::fault) to requests and responses. It
/// reads only lengths, API keys and ids, except for rules about buckets or messages.
///
/// The client dials through it in process, so the cluster needs no change. Rules identify servers by their ports: the
/// server at port 9124 is [`ServerId::Tablet(9124)`](ServerId::Tablet). Dropping the proxy closes all its connections.
pub struct FaultProxy {
    faults: Faults,
    gatekeepers: Mutex<BTreeMap<u16, Gatekeeper>>,
    connections: Mutex<JoinSet<()>>,
}

impl FaultProxy {
    /// Creates a proxy without rules. `seed` fixes the random choices of rules.
    pub fn new(seed: u64) -> Self {
        Self {
            faults: Faults::new(seed),
            gatekeepers: Mutex::default(),
            connections: Mutex::default(),
        }
    }

    /// Adds a fault rule, which applies from the next request or connection.
    pub fn inject(&self, rule: Rule) -> FaultHandle {
        self.faults.inject(rule)
    }

    /// Removes all fault rules.
    pub fn remove_faults(&self) {
        self.faults.remove_all();
    }

    /// Opens a stream to the server at `host` and `port`, through the proxy.
    ///
    /// # Errors
    ///
    /// Returns an error if the server can't be reached, or a rule rejects the connection.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, no connection is left open.
    pub async fn dial(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        let admission = self.gatekeeper(port).admit();
        match admission.fault {
            Some(ConnectFault::Reject) => return Err(io::ErrorKind::ConnectionRefused.into()),
            Some(ConnectFault::Ignore) => return pending().await,
            Some(ConnectFault::Silent) | None => {}
        }
        let server = TcpStream::connect((host, port)).await?;
        // Only a matter of speed.
        let _ = server.set_nodelay(true);
        let (stream, client) = tokio::io::duplex(STREAM_BYTES);
        let relay = Relay {
            name: ServerId::Tablet(i32::from(port)),
            number: admission.number,
            faults: self.faults.clone(),
            alterations: Mutex::default(),
        };
        let is_silent = admission.fault.is_some();
        let mut connections = lock(&self.connections);
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            if is_silent {
                let _held = (client, server);
                return pending().await;
            }
            relay.run(client, server).await;
        });
        Ok(stream)
    }

    fn gatekeeper(&self, port: u16) -> Gatekeeper {
        let name = ServerId::Tablet(i32::from(port));
        let mut gatekeepers = lock(&self.gatekeepers);
        let gatekeeper = gatekeepers
            .entry(port)
            .or_insert_with(|| Gatekeeper::new(name, self.faults.clone()));
        gatekeeper.clone()
    }
}

/// One connection.
struct Relay {
    name: ServerId,
    number: u64,
    faults: Faults,
    /// Alterations of responses that are still to come, by request id.
    alterations: Mutex<BTreeMap<i32, Alteration>>,
}

impl Relay {
    async fn run(self, client: DuplexStream, server: TcpStream) {
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(server);
        let (answers, waiting) = mpsc::channel(WAITING_ANSWERS);
        tokio::select! {
            biased;
            () = write(to_client, waiting) => {}
            () = self.answers(from_server, answers.clone()) => {}
            () = self.requests(from_client, to_server, answers.clone()) => {}
        }
    }

    /// From the client to the server.
    async fn requests(
        &self,
        from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        answers: mpsc::Sender<Outgoing>,
    ) {
        let mut frames = Frames::new(from);
        while let Some(frame) = frames.next().await {
            let Ok(request) = decode_request(frame) else {
                return;
            };
            let hit = self.faults.on_request(self.name, self.number, &request);
            let (forwarded, outgoing) = self.decide(request, hit).await;
            if let Some(request) = forwarded
                && to.write_all(&encode(&request)).await.is_err()
            {
                return;
            }
            if let Some(outgoing) = outgoing {
                let continues = outgoing.continues();
                if answers.send(outgoing).await.is_err() {
                    return;
                }
                if !continues {
                    return pending().await;
                }
            }
        }
    }

    /// Returns the request to forward, and the response that the client gets at once.
    async fn decide(
        &self,
        request: RequestFrame,
        hit: Option<Hit>,
    ) -> (Option<RequestFrame>, Option<Outgoing>) {
        let Some(Hit { timing, bucket }) = hit else {
            return (Some(request), None);
        };
        let alter = |request: &RequestFrame, timing| {
            let alteration = Alteration {
                request: request.clone(),
                timing,
                bucket,
            };
            lock(&self.alterations).insert(request.request_id, alteration);
        };
        let fault = match timing {
            Timing::Before(fault) => fault,
            Timing::After(_) | Timing::Mangle(_) => {
                alter(&request, timing);
                return (Some(request), None);
            }
        };
        match fault {
            Fault::Error(code) => (None, Some(refusal(&request, code))),
            Fault::BucketError(code) => match without_buckets(&request, bucket) {
                Some((rest, _)) => {
                    alter(&request, Timing::After(fault));
                    (Some(rest), None)
                }
                None => (None, Some(refusal(&request, code))),
            },
            Fault::Drop => (None, None),
            Fault::Delay(time) => {
                sleep(time).await;
                (Some(request), None)
            }
            Fault::Stall => (None, Some(Outgoing::Next(Next::Stall))),
            Fault::Close => (None, Some(Outgoing::Next(Next::Close))),
        }
    }

    /// From the server to the client.
    async fn answers(&self, from: impl AsyncRead + Unpin, answers: mpsc::Sender<Outgoing>) {
        let mut late = JoinSet::new();
        let mut frames = Frames::new(from);
        while let Some(frame) = frames.next().await {
            // After the type.
            let id = frame.get(1..).and_then(<[u8]>::first_chunk::<4>);
            let id = id.map(|id| i32::from_be_bytes(*id));
            let alteration = id.and_then(|id| lock(&self.alterations).remove(&id));
            let mut answer = Segments::new();
            answer.tail_mut().put_u32(frame.len() as u32);
            answer.push(frame);
            let delay = alteration.as_ref().and_then(Alteration::delay);
            let outgoing = match &alteration {
                None => Some(Outgoing::Answer(answer)),
                Some(alteration) => alteration.apply(answer),
            };
            let Some(outgoing) = outgoing else {
                continue;
            };
            if let Some(delay) = delay {
                let answers = answers.clone();
                late.spawn(async move {
                    sleep(delay).await;
                    // Fails if the connection is gone.
                    let _ = answers.send(outgoing).await;
                });
            } else {
                let continues = outgoing.continues();
                if answers.send(outgoing).await.is_err() {
                    return;
                }
                if !continues {
                    return pending().await;
                }
            }
        }
    }
}

/// Cuts a stream into frames.
struct Frames<S> {
    stream: S,
    decoder: FrameDecoder,
    received: BytesMut,
}

impl<S: AsyncRead + Unpin> Frames<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            decoder: FrameDecoder::new(MAX_FRAME_BYTES),
            received: BytesMut::new(),
        }
    }

    /// `None` at the end of the stream, or of what makes sense.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.received).ok()? {
                return Some(frame);
            }
            self.received.reserve(self.decoder.needed());
            let read = self.stream.read_buf(&mut self.received).await.ok()?;
            if read == 0 {
                return None;
            }
        }
    }
}

fn encode(request: &RequestFrame) -> Bytes {
    let length = REQUEST_HEADER_BYTES + request.body.len();
    let mut frame = BytesMut::with_capacity(LENGTH_BYTES + length);
    frame.put_u32(length as u32);
    frame.put_i16(request.api_key);
    frame.put_i16(request.api_version);
    frame.put_i32(request.request_id);
    frame.put_slice(&request.body);
    frame.freeze()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
