//! HTTP/1.1 by hand, so that the proofs do not lean on the project's own client.

use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// After so long without a byte something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A caller with one connection that is kept, and opened anew after it broke.
pub(crate) struct Caller {
    port: u16,
    connection: Option<BufReader<TcpStream>>,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body as JSON, of an answer that has to be a success.
    pub(crate) fn success(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert!((200..300).contains(&self.status), "{} {text}", self.status);
        self.json()
    }
}

impl Caller {
    /// A caller of the server on a port of this machine.
    pub(crate) fn new(port: &str) -> Self {
        Self {
            port: port.parse().unwrap(),
            connection: None,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("POST", path, &[], &body.to_string()).await
    }

    pub(crate) async fn patch(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("PATCH", path, &[], &body.to_string()).await
    }

    /// Creates a task with an id and sets it running.
    pub(crate) async fn running_task(&mut self, id: &str) {
        let create = serde_json::json!({ "id": id, "type": "proof" });
        self.post("/tasks", &create).await.unwrap().success();
        self.change(id, "running").await.success();
    }

    /// Changes the status of a task.
    pub(crate) async fn change(&mut self, id: &str, status: &str) -> Answer {
        let body = serde_json::json!({ "status": status });
        self.patch(&format!("/tasks/{id}/status"), &body)
            .await
            .unwrap()
    }

    /// The whole history of a task.
    pub(crate) async fn history(&mut self, id: &str) -> Vec<Value> {
        let path = format!("/tasks/{id}/events/history");
        let Value::Array(events) = self.get(&path).await.unwrap().success() else {
            panic!("a history is an array");
        };
        events
    }

    /// Sends a request and reads the whole answer. After an error its outcome is unknown.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(self.port).await?,
        };
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let length = body.len();
        request +=
            &format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        connection.write_all(request.as_bytes()).await?;
        let (head, mut framing) = head(&mut connection).await?;
        let mut body = Vec::new();
        while let Some(piece) = framing.piece(&mut connection).await? {
            body.extend_from_slice(&piece);
        }
        if !head.closes {
            self.connection = Some(connection);
        }
        Ok(Answer {
            status: head.status,
            body,
        })
    }
}

/// Connects to a port of this machine.
pub(crate) async fn connect(port: u16) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// The beginning of an answer.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) closes: bool,
}

/// How the end of a body is known.
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

/// Reads the head of an answer.
pub(crate) async fn head(from: &mut BufReader<TcpStream>) -> io::Result<(Head, Framing)> {
    let first = line(from).await?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut head = Head {
        status: status.ok_or_else(|| io::Error::other(format!("no status in {first:?}")))?,
        closes: false,
    };
    let mut framing = match head.status {
        204 | 304 => Framing::Length(0),
        _ => Framing::UntilClosed,
    };
    loop {
        let header = line(from).await?.to_ascii_lowercase();
        match header
            .split_once(':')
            .map(|(name, value)| (name, value.trim()))
        {
            None => return Ok((head, framing)),
            Some(("content-length", length)) => framing = Framing::Length(length.parse().unwrap()),
            Some(("transfer-encoding", "chunked")) => framing = Framing::Chunked,
            Some(("connection", "close")) => head.closes = true,
            Some(_) => {}
        }
    }
}

impl Framing {
    /// The next piece of a body; nothing at its end. A body that breaks off is an error.
    pub(crate) async fn piece(
        &mut self,
        from: &mut BufReader<TcpStream>,
    ) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Length(0) => Ok(None),
            Self::Length(left) => {
                let piece = exactly(from, std::mem::take(left)).await?;
                Ok(Some(piece))
            }
            Self::Chunked => {
                let size = line(from).await?;
                let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
                let piece = exactly(from, size).await?;
                line(from).await?;
                Ok((size > 0).then_some(piece))
            }
            Self::UntilClosed => {
                let mut piece = vec![0; 16 << 10];
                let read = patient(from.read(&mut piece)).await?;
                piece.truncate(read);
                Ok((read > 0).then_some(piece))
            }
        }
    }
}

async fn exactly(from: &mut BufReader<TcpStream>, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    patient(from.read_exact(&mut bytes)).await?;
    Ok(bytes)
}

async fn line(from: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if patient(from.read_line(&mut line)).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

async fn patient<T>(reading: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(PATIENCE, reading).await {
        Ok(read) => read,
        Err(_) => panic!("nothing came for {PATIENCE:?}"),
    }
}
