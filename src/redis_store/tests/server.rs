//! A Redis server for one test, on a Unix socket in a directory of its own.

use crate::redis_store::command::Wire;
use crate::redis_store::reply::{self, Reply};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running server; it ends with the test.
pub(super) struct Server {
    child: Child,
    directory: PathBuf,
    options: Vec<String>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Server {
    pub(super) fn start(options: &[&str]) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("carapace-redis-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = spawn(&directory, &options);
        let server = Self { child, directory, options };
        server.wait();
        server
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < end, "redis-server did not start");
            std::thread::yield_now();
        }
    }

    /// Sends a signal such as `STOP`.
    pub(super) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::remove_file(self.socket()).unwrap();
    }

    pub(super) fn restart(&mut self) {
        self.child = spawn(&self.directory, &self.options);
        self.wait();
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.directory.join("redis.sock")
    }

    pub(super) fn connect(&self) -> Client {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream, buffer: Vec::new() }
    }
}

fn spawn(directory: &Path, options: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(directory.join("redis.sock"))
        .arg("--dir")
        .arg(directory)
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// A connection that waits for each answer.
pub(super) struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) fn send(&mut self, wire: &Wire) -> Reply {
        self.stream.write_all(&wire.0).unwrap();
        loop {
            if let Some((reply, length)) = reply::read(&self.buffer).expect("well formed") {
                self.buffer.drain(..length);
                return reply;
            }
            let mut bytes = vec![0; 65_536];
            let length = self.stream.read(&mut bytes).unwrap();
            assert!(length > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&bytes[..length]);
        }
    }

    pub(super) fn words(&mut self, words: &[&str]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send(&Wire::of(&words))
    }
}
