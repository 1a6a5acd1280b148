//! One connection: reads requests from the stream, sends responses as they become ready, and applies fault rules.

use std::future::pending;

use bytes::BytesMut;
use fluss_wire::frame::{FrameDecoder, RequestFrame, decode_request};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::dispatch::{Answer, Session};
use super::identity::Server;
use crate::fault::{ConnectFault, Fault, Hit, Next, Timing, without_buckets};
use crate::network::Admission;
use crate::transport::{Alteration, MAX_FRAME_BYTES, Outgoing, WAITING_ANSWERS, refusal, write};

/// Serves a connection until the client closes it or sends something that is not a request.
pub(super) async fn serve<S>(stream: S, admission: Admission, server: Server)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    match admission.fault {
        None => {}
        Some(ConnectFault::Reject) => return,
        Some(ConnectFault::Ignore | ConnectFault::Silent) => return pending().await,
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
    // The first to end closes the connection, which also ends the fetches that wait for data.
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
            let continues = self.on_request(request).await;
            if !continues {
                // Only the writer may end the connection now.
                return pending().await;
            }
        }
    }

    /// Returns whether the next request may be read.
    async fn on_request(&mut self, request: RequestFrame) -> bool {
        let faults = &self.server.shared.faults;
        let hit = faults.on_request(self.server.name(), self.number, &request);
        let journal = &self.server.shared.journal;
        journal.record(self.server.name(), self.number, &request, hit.is_some());
        let Some(Hit { timing, bucket }) = hit else {
            return self.carry_out(request, None).await;
        };
        let fault = match timing {
            Timing::Before(fault) => fault,
            Timing::After(_) | Timing::Mangle(_) => {
                let alteration = Alteration {
                    request: request.clone(),
                    timing,
                    bucket,
                };
                return self.carry_out(request, Some(alteration)).await;
            }
        };
        match fault {
            Fault::Error(code) => self.send(refusal(&request, code)).await,
            Fault::BucketError(code) => match without_buckets(&request, bucket) {
                Some((rest, _)) => {
                    let alteration = Alteration {
                        request,
                        timing: Timing::After(fault),
                        bucket,
                    };
                    self.carry_out(rest, Some(alteration)).await
                }
                None => self.send(refusal(&request, code)).await,
            },
            Fault::Drop => true,
            Fault::Delay(time) => {
                sleep(time).await;
                self.carry_out(request, None).await
            }
            Fault::Stall => self.send(Outgoing::Next(Next::Stall)).await,
            Fault::Close => self.send(Outgoing::Next(Next::Close)).await,
        }
    }

    /// Carries a request out and sends its response, as altered by a rule.
    async fn carry_out(&mut self, request: RequestFrame, alteration: Option<Alteration>) -> bool {
        let answers = self.answers.clone();
        match (self.session.on_request(request), alteration) {
            (Answer::Now(answer), None) => self.send(Outgoing::Answer(answer)).await,
            (Answer::Now(answer), Some(alteration)) => {
                let Some(outgoing) = alteration.apply(answer) else {
                    return true;
                };
                let Some(late) = alteration.delay() else {
                    return self.send(outgoing).await;
                };
                self.tasks.spawn(async move {
                    sleep(late).await;
                    // Fails if the connection is gone. So does the next one.
                    let _ = answers.send(outgoing).await;
                });
                true
            }
            (Answer::Later(answer), alteration) => {
                self.tasks.spawn(async move {
                    let answer = answer.await;
                    let outgoing = match &alteration {
                        None => Some(Outgoing::Answer(answer)),
                        Some(alteration) => alteration.apply(answer),
                    };
                    if let Some(late) = alteration.and_then(|alteration| alteration.delay()) {
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

    /// Returns whether the next request may be read.
    async fn send(&mut self, outgoing: Outgoing) -> bool {
        let continues = outgoing.continues();
        self.answers.send(outgoing).await.is_ok() && continues
    }
}
