//! JSON-RPC messages as lines: one message, one line, never more than a line in memory.
//!
//! What a message means is not known here.

use std::{io, time::Duration};

use rmcp::{
    ErrorData, RoleServer,
    model::{ErrorCode, RequestId, ServerJsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The longest line that is read, in bytes. No argument of a tool comes near it.
pub(super) const MAX_LINE: usize = 4 * 1024 * 1024;

/// What stays allocated for the next line, in bytes.
const KEPT_LINE: usize = 64 * 1024;

/// Answers that wait to be written before whoever sends the next one has to wait too.
const QUEUE: usize = 64;

/// How long the last answers may take to be written when everything else is over.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Lines in from `R`, and out through the one task that owns the output.
pub(super) struct LineTransport<R> {
    input: BufReader<R>,
    /// The part of the line that was read so far. It survives a `receive` that is dropped.
    line: Vec<u8>,
    /// The rest of the line belongs to a line that was too long.
    skipping: bool,
    /// An answer to a line that was not a message, to be sent before the next line is read.
    reply: Option<Vec<u8>>,
    output: Option<mpsc::Sender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    /// Cancelled when there is nothing more to read.
    end_of_input: CancellationToken,
}

enum Read {
    Line,
    TooLong,
    End,
}

impl<R: AsyncRead + Unpin + Send> LineTransport<R> {
    /// Starts the task that writes. `end_of_input` is cancelled when there is nothing more to read.
    pub(super) fn new<W>(input: R, output: W, end_of_input: CancellationToken) -> LineTransport<R>
    where
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, lines) = mpsc::channel(QUEUE);
        LineTransport {
            input: BufReader::new(input),
            line: Vec::new(),
            skipping: false,
            reply: None,
            output: Some(sender),
            writer: Some(tokio::spawn(write_lines(output, lines))),
            end_of_input,
        }
    }

    /// Reads until a line is complete. Nothing is lost if it is dropped before that: between
    /// taking bytes from the input and keeping them there is no point to stop at.
    async fn read_line(&mut self) -> Read {
        loop {
            let bytes = match self.input.fill_buf().await {
                Ok(bytes) => bytes,
                Err(err) => {
                    tracing::warn!(%err, "cannot read standard input");
                    return Read::End;
                }
            };
            if bytes.is_empty() {
                // Whoever closes the input may forget the last line feed.
                return if self.line.is_empty() || self.skipping { Read::End } else { Read::Line };
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
            let too_long = !self.skipping && self.line.len() + part.len() > MAX_LINE;
            if !self.skipping && !too_long {
                self.line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            let skipped = self.skipping;
            self.skipping = end.is_none() && (skipped || too_long);
            if too_long {
                self.forget_line();
                return Read::TooLong;
            }
            if end.is_some() && !skipped {
                return Read::Line;
            }
        }
    }

    /// The next message, `None` when there will be none. May be dropped while it waits.
    async fn next_message(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let output = self.output.clone()?;
            if self.reply.is_some() {
                // Taken only when there is room, so that a drop here loses nothing.
                let room = output.reserve().await.ok()?;
                if let Some(reply) = self.reply.take() {
                    room.send(reply);
                }
            }
            let read = tokio::select! {
                biased;
                () = output.closed() => return None,
                read = self.read_line() => read,
            };
            let parsed = match read {
                Read::End => return None,
                Read::TooLong => Parsed::invalid(
                    None,
                    format!("the message is longer than {} MiB", MAX_LINE / (1024 * 1024)),
                ),
                Read::Line => parse(&self.line),
            };
            self.forget_line();
            match parsed {
                Parsed::Message(message) => return Some(*message),
                Parsed::Reply(error) => self.reply = encode(&error).ok(),
                Parsed::Nothing => {}
            }
        }
    }

    fn forget_line(&mut self) {
        self.line.clear();
        self.line.shrink_to(KEPT_LINE);
    }
}

async fn write_lines<W: AsyncWrite + Unpin>(mut output: W, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        let written = async {
            output.write_all(&line).await?;
            // Answers that are ready together are flushed together.
            if lines.is_empty() { output.flush().await } else { Ok(()) }
        };
        if written.await.is_err() {
            // The client is gone. Dropping the receiver ends the reading too.
            return;
        }
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Transport<RoleServer> for LineTransport<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let output = self.output.clone();
        async move {
            let line = encode(&message)?;
            let output = output.ok_or(io::ErrorKind::NotConnected)?;
            output.send(line).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let received = self.next_message().await;
        if received.is_none() {
            self.end_of_input.cancel();
        }
        received
    }

    async fn close(&mut self) -> io::Result<()> {
        drop(self.output.take());
        if let Some(writer) = self.writer.take() {
            let abort = writer.abort_handle();
            if timeout(CLOSE_LIMIT, writer).await.is_err() {
                abort.abort();
            }
        }
        Ok(())
    }
}

fn encode(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

enum Parsed {
    Message(Box<RxJsonRpcMessage<RoleServer>>),
    /// The line gets an error for an answer.
    Reply(Box<ServerJsonRpcMessage>),
    /// The line gets no answer.
    Nothing,
}

impl Parsed {
    fn error(code: ErrorCode, id: Option<RequestId>, text: String) -> Parsed {
        // MCP 2026-07-28, "Error Responses": without a readable id the error has none.
        let error = ErrorData::new(code, text, None);
        Parsed::Reply(Box::new(ServerJsonRpcMessage::error(error, id)))
    }

    fn invalid(id: Option<RequestId>, text: String) -> Parsed {
        Parsed::error(ErrorCode::INVALID_REQUEST, id, text)
    }
}

fn parse(line: &[u8]) -> Parsed {
    // RFC 8259, section 8.1: a parser may ignore a byte order mark.
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Parsed::Nothing;
    }
    if let Ok(message) = serde_json::from_slice(line) {
        return Parsed::Message(Box::new(message));
    }
    match serde_json::from_slice(line) {
        Err(_) => Parsed::error(ErrorCode::PARSE_ERROR, None, "the line is not JSON".to_owned()),
        Ok(Value::Object(object)) => {
            let id = object.get("id");
            match object.get("method") {
                // Nobody answers a notification.
                Some(_) if id.is_none() => Parsed::Nothing,
                Some(_) => Parsed::invalid(
                    id.and_then(|id| serde_json::from_value(id.clone()).ok()),
                    "not a request of JSON-RPC 2.0: its `id` must be text or a whole number, its \
                     `method` text, its `params` an object"
                        .to_owned(),
                ),
                None => Parsed::invalid(None, "not a message of JSON-RPC 2.0".to_owned()),
            }
        }
        Ok(Value::Array(_)) => Parsed::invalid(
            None,
            "batches are not supported: send each message on a line of its own".to_owned(),
        ),
        Ok(_) => Parsed::invalid(None, "not a message of JSON-RPC 2.0".to_owned()),
    }
}
