//! The floors: what this machine reaches when nothing but the necessary is done.
#![expect(
    clippy::print_stdout,
    reason = "a floor says where it listens, as a server does"
)]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Reads each body and answers 201 with as many bytes as a published event has.
pub(crate) async fn http_server() -> io::Result<()> {
    let listener = listen().await?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        connections.spawn(async move {
            let service = service_fn(answer);
            let server = hyper::server::conn::http1::Builder::new();
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    const ANSWER: &[u8] = &[b' '; 200];
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Waits for connections, then writes the same frames to all of them in rounds, one write a round.
pub(crate) async fn frame_server(connections: usize, frames: usize) -> io::Result<()> {
    let listener = listen().await?;
    let mut streams = Vec::with_capacity(connections);
    while streams.len() < connections {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        greet(&mut stream).await?;
        streams.push(stream);
    }
    let mut writing = JoinSet::new();
    for mut stream in streams {
        writing.spawn(async move {
            let frame = frame();
            // As a stream of single events is written: a frame at a time, and then the end.
            for _ in 0..frames {
                stream.write_all(&frame).await?;
            }
            stream.write_all(b"event: taskcast.done\n\n").await?;
            stream.flush().await?;
            // The reader closes when it has seen enough.
            let _ = stream.read(&mut [0]).await;
            io::Result::Ok(())
        });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    Ok(())
}

async fn greet(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await
}

/// A frame of the size of a token's.
fn frame() -> Vec<u8> {
    let mut frame = b"event: taskcast.event\ndata: ".to_vec();
    frame.resize(300, b'x');
    frame.extend_from_slice(b"\n\n");
    frame
}

async fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!(
        "listening on http://localhost:{}",
        listener.local_addr()?.port()
    );
    io::stdout().flush()?;
    Ok(listener)
}

/// Syncs per second: 4 KiB appended and synced, one after another.
pub(crate) fn sync_rate(folder: &Path, during: Duration) -> io::Result<f64> {
    let mut file = File::create(folder.join("sync"))?;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < during {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(crate::stats::rate(count, start.elapsed()))
}
