//! One connection: cuts the stream into requests, and sends the answers as they become ready. What rules do to it is done here.

use std::future::pending;

use bytes::BytesMut;
use fluss_wire::frame::{FrameDecoder, RequestFrame, decode_request};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Server;
use super::dispatch::{Answer, Session};
use super::outgoing::{Change, Outgoing, refusal, write};
use crate::fault::{Door, Fault, Strike, Then, What, out_of_request};
use crate::network::Admission;

/// The longest request that servers accept by default, in bytes.
pub(crate) const MAX_FRAME_BYTES: usize = 100 << 20;
/// Answers that may wait for the client to take them, before its next request is read.
pub(crate) const WAITING_ANSWERS: usize = 64;

/// Serves a connection until the client closes it or sends what is no request.
pub(super) async fn serve<S>(stream: S, admission: Admission, server: Server)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    match admission.door {
        None => {}
        Some(Door::Refuse) => return,
        Some(Door::Ignore | Door::Silent) => return pending().await,
    }
    let (reader, writer) = io::split(stream);
    let (answers, waiting) = mpsc::channel(WAITING_ANSWERS);
    let connection = Connection {
        session: Session::new(server.clone()),
        server,
        number: admission.number,
        answers,
        tasks: JoinSet::new(),
    };
    // Whichever ends first ends the connection, and with it all that wait for news to answer a fetch.
    tokio::select! {
        biased;
        () = write(writer, waiting) => {}
        () = connection.read(reader) => {}
    }
}

struct Connection {
    session: Session,
    server: Server,
    number: u64,
    answers: mpsc::Sender<Outgoing>,
    /// Answers that wait for something.
    tasks: JoinSet<()>,
}

impl Connection {
    async fn read<S: AsyncRead>(mut self, mut reader: ReadHalf<S>) {
        let mut decoder = FrameDecoder::new(MAX_FRAME_BYTES);
        let mut received = BytesMut::new();
        loop {
            while self.tasks.try_join_next().is_some() {}
            let frame = match decoder.decode(&mut received) {
                Ok(Some(frame)) => frame,
                Ok(None) => {
                    received.reserve(decoder.needed());
                    match reader.read_buf(&mut received).await {
                        Ok(0) | Err(_) => return,
                        Ok(_) => continue,
                    }
                }
                Err(_) => return,
            };
            let Ok(request) = decode_request(frame) else {
                return;
            };
            let goes_on = self.on_request(request).await;
            if !goes_on {
                // The writer ends the connection, or nobody does.
                return pending().await;
            }
        }
    }

    /// Whether anything is to be read behind it.
    async fn on_request(&mut self, request: RequestFrame) -> bool {
        let faults = &self.server.shared.faults;
        let strike = faults.on_request(self.server.name(), self.number, &request);
        let journal = &self.server.shared.journal;
        journal.record(self.server.name(), self.number, &request, strike.is_some());
        let Some(Strike { what, bucket }) = strike else {
            return self.carry_out(request, None).await;
        };
        let fault = match what {
            What::Before(fault) => fault,
            What::After(_) | What::Mangle(_) => {
                let change = Change {
                    request: request.clone(),
                    what,
                    bucket,
                };
                return self.carry_out(request, Some(change)).await;
            }
        };
        match fault {
            Fault::Error(code) => self.send(refusal(&request, code)).await,
            Fault::BucketError(code) => match out_of_request(&request, bucket) {
                Some((rest, _)) => {
                    let change = Change {
                        request,
                        what: What::After(fault),
                        bucket,
                    };
                    self.carry_out(rest, Some(change)).await
                }
                None => self.send(refusal(&request, code)).await,
            },
            Fault::Drop => true,
            Fault::Delay(time) => {
                sleep(time).await;
                self.carry_out(request, None).await
            }
            Fault::Stall => self.send(Outgoing::Then(Then::Stall)).await,
            Fault::Close => self.send(Outgoing::Then(Then::Close)).await,
        }
    }

    /// Carries a request out and sends its answer, or what becomes of it.
    async fn carry_out(&mut self, request: RequestFrame, change: Option<Change>) -> bool {
        let answers = self.answers.clone();
        match (self.session.on_request(request), change) {
            (Answer::Now(answer), None) => self.send(Outgoing::Answer(answer)).await,
            (Answer::Now(answer), Some(change)) => {
                let Some(outgoing) = change.apply(answer) else {
                    return true;
                };
                let Some(late) = change.delay() else {
                    return self.send(outgoing).await;
                };
                self.tasks.spawn(async move {
                    sleep(late).await;
                    // Fails when the connection is gone, and nobody waits any more. So does the next one.
                    let _ = answers.send(outgoing).await;
                });
                true
            }
            (Answer::Later(answer), change) => {
                self.tasks.spawn(async move {
                    let answer = answer.await;
                    let outgoing = match &change {
                        None => Some(Outgoing::Answer(answer)),
                        Some(change) => change.apply(answer),
                    };
                    if let Some(late) = change.and_then(|change| change.delay()) {
                        sleep(late).await;
                    }
                    if let Some(outgoing) = outgoing {
                        let _ = answers.send(outgoing).await;
                    }
                });
                true
            }
        }
    }

    /// Whether anything is to be read behind it.
    async fn send(&mut self, outgoing: Outgoing) -> bool {
        let goes_on = outgoing.goes_on();
        self.answers.send(outgoing).await.is_ok() && goes_on
    }
}
