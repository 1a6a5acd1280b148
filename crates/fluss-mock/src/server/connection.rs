//! One connection: cuts the stream into requests, and sends the answers as they become ready.

use bytes::BytesMut;
use fluss_wire::Segments;
use fluss_wire::frame::{FrameDecoder, decode_request};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Server;
use super::dispatch::{Answer, Session};

/// The longest request that servers accept by default, in bytes.
const MAX_FRAME_BYTES: usize = 100 << 20;
/// Answers that may wait for the client to take them, before its next request is read.
const WAITING_ANSWERS: usize = 64;

/// Serves a connection until the client closes it or sends what is no request.
pub(super) async fn serve<S>(stream: S, server: Server)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut reader, writer) = io::split(stream);
    let (answers, waiting) = mpsc::channel(WAITING_ANSWERS);
    // All end with the connection: the one that writes, and those that wait for news to answer a fetch.
    let mut tasks = JoinSet::new();
    tasks.spawn(write(writer, waiting));

    let mut session = Session::new(server);
    let mut decoder = FrameDecoder::new(MAX_FRAME_BYTES);
    let mut received = BytesMut::new();
    loop {
        while tasks.try_join_next().is_some() {}
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
        match session.on_request(request) {
            Answer::Now(answer) => {
                if answers.send(answer).await.is_err() {
                    return;
                }
            }
            Answer::Later(answer) => {
                let answers = answers.clone();
                tasks.spawn(async move {
                    // Fails when the connection is gone, and nobody waits any more.
                    let _ = answers.send(answer.await).await;
                });
            }
        }
    }
}

async fn write<S: AsyncWrite>(mut writer: WriteHalf<S>, mut waiting: mpsc::Receiver<Segments>) {
    while let Some(mut answer) = waiting.recv().await {
        if writer.write_all_buf(&mut answer).await.is_err() {
            return;
        }
    }
}
