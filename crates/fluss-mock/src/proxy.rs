//! The same rules between a client and a real cluster.

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

use crate::fault::{Door, Fault, Faults, Injected, Rule, Strike, Then, What, out_of_request};
use crate::network::Porter;
use crate::server::connection::{MAX_FRAME_BYTES, WAITING_ANSWERS};
use crate::server::outgoing::{Change, Outgoing, refusal, write};
use crate::server_id::ServerId;

/// Bytes that a stream holds on their way in one direction.
const STREAM_BYTES: usize = 1 << 20;

/// Stands between a client and the servers of a real cluster, and does to requests and answers what [rules](crate::fault) say. It looks at
/// lengths, API keys and ids alone, but for rules about buckets or messages.
///
/// The client dials through it, inside the process, so that the cluster need not know of it. Rules tell servers apart by their ports: the
/// server at port 9124 is [`ServerId::Tablet(9124)`](ServerId::Tablet). Dropping it closes all its connections.
pub struct FaultProxy {
    faults: Faults,
    porters: Mutex<BTreeMap<u16, Porter>>,
    connections: Mutex<JoinSet<()>>,
}

impl FaultProxy {
    /// A proxy without rules. What rules draw by lot follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            faults: Faults::new(seed),
            porters: Mutex::default(),
            connections: Mutex::default(),
        }
    }

    /// Puts a rule in force, from the next request or connection on.
    pub fn inject(&self, rule: Rule) -> Injected {
        self.faults.inject(rule)
    }

    /// Takes every rule back.
    pub fn lift_faults(&self) {
        self.faults.lift_all();
    }

    /// A stream to the server at `host` and `port`, through the proxy.
    ///
    /// # Errors
    ///
    /// Why the server can't be reached.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, no connection is left.
    pub async fn dial(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        let admission = self.porter(port).admit();
        match admission.door {
            Some(Door::Refuse) => return Err(io::ErrorKind::ConnectionRefused.into()),
            Some(Door::Ignore) => return pending().await,
            Some(Door::Silent) | None => {}
        }
        let server = TcpStream::connect((host, port)).await?;
        // Only a matter of speed.
        let _ = server.set_nodelay(true);
        let (stream, client) = tokio::io::duplex(STREAM_BYTES);
        let relay = Relay {
            name: ServerId::Tablet(i32::from(port)),
            number: admission.number,
            faults: self.faults.clone(),
            changes: Mutex::default(),
        };
        let is_silent = admission.door.is_some();
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

    fn porter(&self, port: u16) -> Porter {
        let name = ServerId::Tablet(i32::from(port));
        let mut porters = lock(&self.porters);
        let porter = porters
            .entry(port)
            .or_insert_with(|| Porter::new(name, self.faults.clone()));
        porter.clone()
    }
}

/// One connection.
struct Relay {
    name: ServerId,
    number: u64,
    faults: Faults,
    /// What becomes of answers that have not come yet, by the ids of their requests.
    changes: Mutex<BTreeMap<i32, Change>>,
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
            let strike = self.faults.on_request(self.name, self.number, &request);
            let (forwarded, outgoing) = self.decide(request, strike).await;
            if let Some(request) = forwarded
                && to.write_all(&encode(&request)).await.is_err()
            {
                return;
            }
            if let Some(outgoing) = outgoing {
                let goes_on = outgoing.goes_on();
                if answers.send(outgoing).await.is_err() {
                    return;
                }
                if !goes_on {
                    return pending().await;
                }
            }
        }
    }

    /// What is forwarded, and what the client gets at once.
    async fn decide(
        &self,
        request: RequestFrame,
        strike: Option<Strike>,
    ) -> (Option<RequestFrame>, Option<Outgoing>) {
        let Some(Strike { what, bucket }) = strike else {
            return (Some(request), None);
        };
        let change = |request: &RequestFrame, what| {
            let change = Change {
                request: request.clone(),
                what,
                bucket,
            };
            lock(&self.changes).insert(request.request_id, change);
        };
        let fault = match what {
            What::Before(fault) => fault,
            What::After(_) | What::Mangle(_) => {
                change(&request, what);
                return (Some(request), None);
            }
        };
        match fault {
            Fault::Error(code) => (None, Some(refusal(&request, code))),
            Fault::BucketError(code) => match out_of_request(&request, bucket) {
                Some((rest, _)) => {
                    change(&request, What::After(fault));
                    (Some(rest), None)
                }
                None => (None, Some(refusal(&request, code))),
            },
            Fault::Drop => (None, None),
            Fault::Delay(time) => {
                sleep(time).await;
                (Some(request), None)
            }
            Fault::Stall => (None, Some(Outgoing::Then(Then::Stall))),
            Fault::Close => (None, Some(Outgoing::Then(Then::Close))),
        }
    }

    /// From the server to the client.
    async fn answers(&self, from: impl AsyncRead + Unpin, answers: mpsc::Sender<Outgoing>) {
        let mut late = JoinSet::new();
        let mut frames = Frames::new(from);
        while let Some(frame) = frames.next().await {
            // Behind the type.
            let id = frame.get(1..).and_then(<[u8]>::first_chunk::<4>);
            let id = id.map(|id| i32::from_be_bytes(*id));
            let change = id.and_then(|id| lock(&self.changes).remove(&id));
            let mut answer = Segments::new();
            answer.tail_mut().put_u32(frame.len() as u32);
            answer.push(frame);
            let delay = change.as_ref().and_then(Change::delay);
            let outgoing = match &change {
                None => Some(Outgoing::Answer(answer)),
                Some(change) => change.apply(answer),
            };
            let Some(outgoing) = outgoing else {
                continue;
            };
            if let Some(delay) = delay {
                let answers = answers.clone();
                late.spawn(async move {
                    sleep(delay).await;
                    // Fails when the connection is gone, and nobody waits any more.
                    let _ = answers.send(outgoing).await;
                });
            } else {
                let goes_on = outgoing.goes_on();
                if answers.send(outgoing).await.is_err() {
                    return;
                }
                if !goes_on {
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
