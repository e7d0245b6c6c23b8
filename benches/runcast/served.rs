//! A real server on an empty folder, with an admin's token.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::process::memory_of;

/// More streams than any part opens.
const NO_BOUND: &str = "1000000";

pub struct Served {
    pub address: String,
    pub token: String,
    child: Child,
    _folder: TempDir,
}

/// The release build, else the one that cargo made for this benchmark.
fn program() -> PathBuf {
    std::env::var_os("RUNCAST_BIN").map_or_else(|| env!("CARGO_BIN_EXE_runcast").into(), PathBuf::from)
}

impl Served {
    pub fn start(workflows: &[(&str, &str)]) -> Self {
        Self::with(&[], workflows)
    }

    pub fn with(flags: &[&str], workflows: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, files) = (folder.path().join("data"), folder.path().join("workflows"));
        std::fs::create_dir_all(&files).expect("a folder");
        for (name, text) in workflows {
            std::fs::write(files.join(format!("{name}.yaml")), text).expect("written");
        }
        let token = admin(&data);
        let mut child = Command::new(program())
            .env("RUNCAST_LOG", "warn")
            .env("RUNCAST_MAX_STREAMS", NO_BOUND)
            .env("RUNCAST_MAX_USER_STREAMS", NO_BOUND)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .arg("--workflows")
            .arg(&files)
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its first line");
        let address = line.trim().rsplit("http://").next().expect("an address").to_owned();
        Self { address, token, child, _folder: folder }
    }

    /// Bytes of memory that are the server's alone, and its share of what it has with others.
    pub fn memory(&self) -> u64 {
        memory_of(self.child.id())
    }

    /// The same of the processes it started: the supervisors of executions.
    pub fn memory_of_supervisors(&self) -> u64 {
        let children = format!("/proc/{0}/task", self.child.id());
        let tasks = std::fs::read_dir(children).expect("the server lives").flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let ids: Vec<u32> =
            lists.flat_map(|list| list.split_whitespace().map(str::parse).collect::<Vec<_>>()).flatten().collect();
        ids.into_iter().map(memory_of).sum()
    }

    /// The whole answer to a request, head and body.
    pub async fn answer(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = self.request_with(method, path, body, "connection: close\r\n").await;
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.expect("an answer");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it lives");
        assert!(self.child.wait().expect("it ends").success());
    }

    /// So many open event streams, each caught up.
    pub async fn streams(&self, count: usize) -> Vec<TcpStream> {
        let mut open = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = self.request("GET", "/api/events", "").await;
            until(&mut stream, "caught_up").await;
            open.push(stream);
        }
        open
    }

    /// Sends a request on a connection of its own, which stays open with the answer unread.
    pub async fn request(&self, method: &str, path: &str, body: &str) -> TcpStream {
        self.request_with(method, path, body, "").await
    }

    async fn request_with(&self, method: &str, path: &str, body: &str, header: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{header}content-length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn admin(data: &Path) -> String {
    let mut user = Command::new(program())
        .args(["user", "add", "root", "--admin", "--password-stdin", "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a user is added");
    user.stdin.take().expect("piped").write_all(b"correct horse battery").expect("written");
    assert!(user.wait().expect("it ends").success());
    let token = Command::new(program()).args(["token", "create", "--user", "root", "--data"]).arg(data).output();
    let token = String::from_utf8(token.expect("a token").stdout).expect("text");
    token.split_whitespace().find(|word| word.starts_with("rc_")).expect("a token").to_owned()
}

/// Reads until `text` has come; what was read is dropped.
pub async fn until(stream: &mut TcpStream, text: &str) {
    until_times(stream, text, 1).await;
}

/// Reads until `text` has come so many times; what was read is dropped.
pub async fn until_times(stream: &mut TcpStream, text: &str, mut times: usize) {
    let mut seen = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while times > 0 {
        let read = stream.read(&mut buffer).await.expect("bytes");
        assert!(read > 0, "the stream ended before {text:?}");
        seen.extend_from_slice(&buffer[..read]);
        while times > 0
            && let Some(place) = seen.windows(text.len()).position(|window| window == text.as_bytes())
        {
            seen.drain(..place + text.len());
            times -= 1;
        }
        let keep = seen.len().saturating_sub(text.len());
        seen.drain(..keep);
    }
}
