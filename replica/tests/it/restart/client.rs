//! As little of HTTP as the tests need, and none of the replica's own code.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// One kept connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    pub(super) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"), b"")
    }

    pub(super) fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\n{headers}content-length: {length}\r\n\r\n"
        );
        self.send(&head, body)
    }

    /// An API call, signed by nobody in particular.
    pub(super) fn call(&mut self, operation: &str, body: &Value) -> io::Result<Answer> {
        let headers = format!(
            "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.{operation}\r\nx-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=any/20260101/any/dynamodb/aws4_request, SignedHeaders=host, Signature=00\r\n"
        );
        self.post("/", &headers, body.to_string().as_bytes())
    }

    fn send(&mut self, head: &str, body: &[u8]) -> io::Result<Answer> {
        let message = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&message)?;
        let mut line = String::new();
        let status = self
            .line(&mut line)?
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status in {line:?}")))?;
        let mut headers = Vec::new();
        while let Some((name, value)) = self.line(&mut line)?.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn line<'a>(&mut self, line: &'a mut String) -> io::Result<&'a str> {
        line.clear();
        if self.stream.read_line(line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end())
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON body of a 200.
    pub(super) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The error's name and text.
    pub(super) fn refusal(self) -> (String, String) {
        assert_ne!(self.status, 200, "{}", self.text());
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        let name = body["__type"]
            .as_str()
            .and_then(|name| name.rsplit('#').next());
        let text = body["message"].as_str().or(body["Message"].as_str());
        (
            name.unwrap_or_default().to_owned(),
            text.unwrap_or_default().to_owned(),
        )
    }
}
