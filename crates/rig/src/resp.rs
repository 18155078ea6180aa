//! As much of the Redis protocol as a rig needs: sending a command, and where a reply ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A blocking connection.
pub(crate) struct Resp(TcpStream);

impl Resp {
    pub(crate) fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self(stream))
    }

    /// Sends a command and gives the raw reply as text.
    pub(crate) fn call(&mut self, words: &[&str]) -> std::io::Result<String> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        self.0.write_all(&request)?;
        let (mut reply, mut piece) = (Vec::new(), [0; 16 << 10]);
        while frame_end(&reply).is_none() {
            match self.0.read(&mut piece)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => reply.extend_from_slice(piece.get(..read).unwrap_or_default()),
            }
        }
        Ok(String::from_utf8_lossy(&reply).into_owned())
    }
}

/// Where the first frame of a buffer ends; none while it is not whole.
pub(crate) fn frame_end(buffer: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut left = 1_usize;
    while left > 0 {
        left -= 1;
        let line_end = buffer
            .get(at..)?
            .windows(2)
            .position(|two| two == b"\r\n")?
            + at;
        let line = str::from_utf8(buffer.get(at + 1..line_end)?).unwrap_or_default();
        let number: i64 = line.parse().unwrap_or(-1);
        let kind = *buffer.get(at)?;
        at = line_end + 2;
        match (kind, usize::try_from(number)) {
            (b'$' | b'=' | b'!', Ok(length)) => at += length + 2,
            (b'*' | b'~' | b'>', Ok(count)) => left += count,
            (b'%' | b'|', Ok(count)) => left += 2 * count,
            _ => {}
        }
    }
    (at <= buffer.len()).then_some(at)
}

/// Whether a frame brings a message of a subscription.
pub(crate) fn is_message(frame: &[u8]) -> bool {
    let begins = |kind: &[u8]| {
        [b'*', b'>'].iter().any(|array| {
            frame.first() == Some(array)
                && frame.windows(kind.len()).take(12).any(|part| part == kind)
        })
    };
    begins(b"\r\nmessage\r\n") || begins(b"\r\nsmessage\r\n") || begins(b"\r\npmessage\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_where_its_last_part_ends() {
        let frame = b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n+OK\r\n";
        assert_eq!(frame_end(frame), Some(frame.len() - 5));
        assert!(is_message(frame));
        for cut in 0..frame.len() - 5 {
            assert_eq!(frame_end(&frame[..cut]), None, "{cut}");
        }
        assert_eq!(frame_end(b"$-1\r\n"), Some(5));
        assert_eq!(frame_end(b"*2\r\n:1\r\n*0\r\n"), Some(12));
        assert!(!is_message(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"));
    }
}
