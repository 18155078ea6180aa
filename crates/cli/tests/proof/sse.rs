//! Server-Sent Events by hand: blocks of lines, and a connection that gives them.

use crate::http::{Framing, connect, head};
use serde_json::Value;
use std::io;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One complete block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) event: Option<String>,
    pub(crate) data: Option<Value>,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<u64>,
}

impl Block {
    fn read(lines: &str) -> Self {
        let mut block = Self::default();
        for line in lines.lines() {
            match line.split_once(": ") {
                Some(("event", name)) => block.event = Some(name.to_owned()),
                Some(("data", data)) => block.data = Some(serde_json::from_str(data).unwrap()),
                Some(("id", id)) => block.id = Some(id.to_owned()),
                Some(("retry", wait)) => block.retry = Some(wait.parse().unwrap()),
                _ => assert!(line.starts_with(':'), "not a line of a stream: {line:?}"),
            }
        }
        block
    }

    /// The reason of a done frame.
    pub(crate) fn done(&self) -> Option<&str> {
        let data = self.named("taskcast.done")?;
        data["reason"].as_str()
    }

    /// The envelope of an event.
    pub(crate) fn envelope(&self) -> Option<&Value> {
        self.named("taskcast.event")
    }

    /// The data of a frame with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Value> {
        let named = self.event.as_deref() == Some(name);
        self.data.as_ref().filter(|_| named)
    }
}

/// An open stream.
pub(crate) struct Stream {
    connection: BufReader<TcpStream>,
    framing: Framing,
    buffer: Vec<u8>,
    /// So many bytes of the buffer hold no end of a block.
    searched: usize,
    /// Bytes of the body so far.
    pub(crate) bytes: usize,
}

impl Stream {
    /// Opens a stream; nothing when there is nothing to come back for (204).
    pub(crate) async fn open(
        port: u16,
        path: &str,
        last_event_id: Option<&str>,
    ) -> io::Result<Option<Self>> {
        let mut connection = connect(port).await?;
        let cursor = last_event_id.map(|id| format!("last-event-id: {id}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{}\r\n",
            cursor.unwrap_or_default()
        );
        connection.write_all(request.as_bytes()).await?;
        let (head, framing) = head(&mut connection).await?;
        match head.status {
            204 => return Ok(None),
            200 => {}
            503 => return Err(io::Error::other("the server answers 503")),
            status => panic!("GET {path} answered {status}"),
        }
        Ok(Some(Self {
            connection,
            framing,
            buffer: Vec::new(),
            searched: 0,
            bytes: 0,
        }))
    }

    /// The next complete block; nothing when the stream was closed properly. What an end leaves
    /// unfinished is dropped.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            let unsearched = &self.buffer[self.searched..];
            if let Some(end) = unsearched.windows(2).position(|two| two == b"\n\n") {
                let end = self.searched + end + 2;
                self.searched = 0;
                let block: Vec<u8> = self.buffer.drain(..end).collect();
                return Ok(Some(Block::read(
                    str::from_utf8(&block).unwrap().trim_end(),
                )));
            }
            self.searched = self.buffer.len().saturating_sub(1);
            match self.framing.piece(&mut self.connection).await? {
                Some(piece) => {
                    self.bytes += piece.len();
                    self.buffer.extend_from_slice(&piece);
                }
                None => return Ok(None),
            }
        }
    }

    /// Reads until a block that `wanted` accepts.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Block) -> bool) -> io::Result<Block> {
        while let Some(block) = self.next().await? {
            if wanted(&block) {
                return Ok(block);
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
