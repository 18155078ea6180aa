//! Bytes on a socket, for what no HTTP library would send.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Writes bytes; a peer that has closed already is none of our business.
pub async fn write(socket: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    let _ = socket.write_all(bytes.as_ref()).await;
}

/// Everything that comes until the peer closes.
pub async fn read_all(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(5), socket.read_to_end(&mut bytes)).await;
    let _ = read.unwrap_or_else(|_| panic!("still open: {}", String::from_utf8_lossy(&bytes)));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What comes until it holds a text.
pub async fn read_until(socket: &mut TcpStream, text: &str) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let so_far = String::from_utf8_lossy(&bytes).into_owned();
        if so_far.contains(text) {
            return so_far;
        }
        let read = timeout(Duration::from_secs(5), socket.read(&mut buffer)).await;
        match read.unwrap_or_else(|_| panic!("no {text:?} in {so_far}")) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => panic!("closed without {text:?}: {so_far}"),
        }
    }
}

/// The status of an answer in HTTP/1.1.
pub fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1).unwrap_or_default();
    word.parse()
        .unwrap_or_else(|_| panic!("no answer: {answer:?}"))
}
