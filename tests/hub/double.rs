//! A hub on loopback: a real HTTP server with the hub's protocol, a content server beside it, and faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The commit that files are at unless a test says otherwise.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Another one.
pub(crate) const LATER: &str = "fedcba9876543210fedcba9876543210fedcba98";
/// What a signed link holds; no message may show it.
pub(crate) const SIGNATURE: &str = "signature-that-nobody-may-see";

/// How the body of a file reaches the client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delivery {
    /// With the first answer.
    Direct,
    /// The hub redirects to another path of its own.
    Relative,
    /// The hub redirects to a content server at another address, as it does for large files.
    Content,
}

/// What goes wrong with one request for a body.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error with these headers, in place of the body.
    Status(u16, &'static str),
    /// The connection ends after so many bytes.
    Cut(usize),
    /// Nothing more comes after so many bytes.
    Stall(usize),
    /// Only so many bytes, announced as all.
    Short(usize),
    /// A byte is another one.
    Flip(usize),
    /// All of it, whatever was asked for.
    NoRange,
    /// Another part than was asked for.
    OtherRange,
    /// It is of another commit.
    Moved,
    /// Nothing at all is wrong.
    None,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) authorization: Option<String>,
    /// True if the content server was asked.
    pub(crate) content: bool,
}

#[derive(Default)]
struct State {
    prefix: String,
    delivery: Option<Delivery>,
    /// Contents by repository, commit and name.
    files: BTreeMap<(String, String, String), Vec<u8>>,
    /// What each branch stands for.
    heads: BTreeMap<(String, String), String>,
    /// After so many requests about a branch, it stands for another commit.
    moves: Option<(usize, String)>,
    /// Repositories that ask for a token, and the token.
    gated: BTreeMap<String, &'static str>,
    /// For the next requests for a body.
    faults: VecDeque<Fault>,
    /// Status and headers for the next requests of another kind.
    refusals: VecDeque<(u16, &'static str)>,
    /// The size announced instead of the true one.
    announced: Option<u64>,
    seen: Vec<Seen>,
}

/// The server; it runs until the test ends.
pub(crate) struct Double {
    address: String,
    content: String,
    state: Arc<Mutex<State>>,
}

impl Double {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let hub = TcpListener::bind("127.0.0.1:0").unwrap();
        let content = TcpListener::bind("127.0.0.1:0").unwrap();
        let double = Self {
            address: hub.local_addr().unwrap().to_string(),
            content: content.local_addr().unwrap().to_string(),
            state,
        };
        for (listener, is_content) in [(hub, false), (content, true)] {
            let (state, content) = (Arc::clone(&double.state), double.content.clone());
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (state, content) = (Arc::clone(&state), content.clone());
                    thread::spawn(move || answer(stream, &state, &content, is_content));
                }
            });
        }
        double
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}{}", self.address, self.state().prefix)
    }

    /// The same address with a user and a password in it.
    pub(crate) fn endpoint_with_password(&self, password: &str) -> String {
        format!("http://user:{password}@{}", self.address)
    }

    /// Answers below a path alone, as a mirror may.
    pub(crate) fn below(self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.state().prefix);
        self
    }

    pub(crate) fn deliver(self, delivery: Delivery) -> Self {
        self.state().delivery = Some(delivery);
        self
    }

    /// Puts a file at a commit, which becomes the head of `main`.
    pub(crate) fn put(&self, repo: &str, commit: &str, file: &str, body: &[u8]) {
        let mut state = self.state();
        state.files.insert((repo.to_owned(), commit.to_owned(), file.to_owned()), body.to_vec());
        state.heads.insert((repo.to_owned(), "main".to_owned()), commit.to_owned());
    }

    /// From the request after the next `requests` about a branch on, `main` stands for `commit`.
    pub(crate) fn moves_after(&self, requests: usize, commit: &str) {
        self.state().moves = Some((requests, commit.to_owned()));
    }

    pub(crate) fn gate(&self, repo: &str, token: &'static str) {
        self.state().gated.insert(repo.to_owned(), token);
    }

    /// The next requests for a body go wrong, one after the other.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// The next requests about files and revisions are refused.
    pub(crate) fn refuse(&self, refusals: impl IntoIterator<Item = (u16, &'static str)>) {
        self.state().refusals.extend(refusals);
    }

    pub(crate) fn announce(&self, bytes: u64) {
        self.state().announced = Some(bytes);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The requests that brought a body, or a part of one, or failed to.
    pub(crate) fn bodies(&self) -> Vec<Seen> {
        let is_body = |seen: &Seen| seen.method == "GET" && !seen.path.contains("/api/");
        self.seen().into_iter().filter(is_body).collect()
    }
}

/// The name the hub gives a content: of a small file Git's id, of a large one its SHA-256.
pub(crate) fn etag(file: &str, body: &[u8]) -> String {
    let is_large = [".gguf", ".safetensors"].iter().any(|end| file.ends_with(end));
    let hex = claimbench::units::hexadecimal;
    if is_large {
        return hex(&Sha256::digest(body));
    }
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", body.len()));
    hash.update(body);
    hex(&hash.finalize())
}

fn answer(stream: TcpStream, state: &Mutex<State>, content: &str, is_content: bool) {
    let Some(seen) = read(&stream, is_content) else { return };
    let reply = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        state.reply(&seen, content)
    };
    // The client may be gone already, which is its right.
    let _ = reply.send(stream, seen.method == "HEAD");
}

fn read(stream: &TcpStream, content: bool) -> Option<Seen> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut seen = Seen { method, path, range: None, authorization: None, content };
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? <= 2 {
            return Some(seen);
        }
        let (name, value) = header.trim().split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "range" => seen.range = Some(value.to_owned()),
            "authorization" => seen.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
}

/// What goes back.
struct Reply {
    status: u16,
    headers: String,
    body: Vec<u8>,
    /// The announced length, where it is not that of the body.
    length: Option<u64>,
    /// Keeps the connection open after the body, in silence.
    stalls: bool,
}

impl Reply {
    fn new(status: u16, headers: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: headers.into(), body: body.into(), length: None, stalls: false }
    }

    fn send(self, mut stream: TcpStream, is_head: bool) -> std::io::Result<()> {
        let length = self.length.unwrap_or(self.body.len() as u64);
        let Self { status, headers, body, stalls, .. } = self;
        write!(
            stream,
            "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )?;
        if !is_head {
            stream.write_all(&body)?;
            stream.flush()?;
            if stalls {
                thread::sleep(Duration::from_secs(3));
            }
        }
        Ok(())
    }
}

impl State {
    fn reply(&mut self, seen: &Seen, content: &str) -> Reply {
        let path = seen.path.split('?').next().unwrap_or_default();
        if seen.content {
            let Some(place) = path.strip_prefix("/content/") else { return Reply::new(404, "", "") };
            return self.body(seen, place, "ETag: \"of-the-content-server\"\r\n");
        }
        let Some(path) = path.strip_prefix(self.prefix.as_str()) else {
            return Reply::new(404, "", "not below the prefix");
        };
        if let Some(place) = path.strip_prefix("/moved-to/") {
            let place = place.to_owned();
            return self.file(seen, &place, Delivery::Direct, content);
        }
        if let Some(repo) = path.strip_prefix("/api/models/") {
            let repo = repo.to_owned();
            return self.revision(seen, &repo);
        }
        let place = path.trim_start_matches('/').to_owned();
        let delivery = self.delivery.unwrap_or(Delivery::Direct);
        self.file(seen, &place, delivery, content)
    }

    fn refused(&mut self, seen: &Seen, repo: &str) -> Option<Reply> {
        if let Some((status, headers)) = self.refusals.pop_front() {
            return Some(Reply::new(status, headers, ""));
        }
        let token = self.gated.get(repo)?;
        let is_known = seen.authorization.as_deref() == Some(&format!("Bearer {token}"));
        (!is_known).then(|| Reply::new(401, "X-Error-Code: GatedRepo\r\n", ""))
    }

    /// `owner/name/revision/x`, or `owner/name` alone.
    fn revision(&mut self, seen: &Seen, path: &str) -> Reply {
        let (repo, revision) = path.split_once("/revision/").unwrap_or((path, "main"));
        if let Some(refused) = self.refused(seen, repo) {
            return refused;
        }
        let Some(commit) = self.commit(repo, revision) else { return self.missing(repo) };
        let names = self.files.keys().filter(|(r, c, _)| r == repo && *c == commit);
        let names: Vec<_> = names.map(|(_, _, name)| serde_json::json!({ "rfilename": name })).collect();
        let text = serde_json::json!({ "id": repo, "sha": commit, "siblings": names }).to_string();
        Reply::new(200, "Content-Type: application/json\r\n", text)
    }

    /// `owner/name/resolve/revision/file`.
    fn file(&mut self, seen: &Seen, path: &str, delivery: Delivery, content: &str) -> Reply {
        let Some((repo, rest)) = path.split_once("/resolve/") else { return Reply::new(404, "", "") };
        let (revision, file) = rest.split_once('/').unwrap_or((rest, ""));
        if let Some(refused) = self.refused(seen, repo) {
            return refused;
        }
        let Some(commit) = self.commit(repo, revision) else { return self.missing(repo) };
        let key = (repo.to_owned(), commit.clone(), file.to_owned());
        let Some(body) = self.files.get(&key) else {
            return Reply::new(
                404,
                format!("X-Repo-Commit: {commit}\r\nX-Error-Code: EntryNotFound\r\n"),
                "",
            );
        };
        let etag = etag(file, body);
        let size = self.announced.unwrap_or(body.len() as u64);
        let place = format!("{repo}/resolve/{commit}/{file}");
        let commit = match self.faults.front() {
            Some(Fault::Moved) if seen.method == "GET" => LATER.to_owned(),
            _ => commit,
        };
        let linked = format!("X-Linked-ETag: \"{etag}\"\r\nX-Linked-Size: {size}\r\n");
        let commit = format!("X-Repo-Commit: {commit}\r\n");
        match delivery {
            Delivery::Direct => self.body(seen, &place, &format!("{commit}ETag: \"{etag}\"\r\n")),
            Delivery::Relative => {
                let to = format!("Location: {}/moved-to/{place}\r\n", self.prefix);
                Reply::new(307, to, "moved")
            }
            Delivery::Content => {
                let to = format!("Location: http://{content}/content/{place}?{SIGNATURE}\r\n");
                Reply::new(302, format!("{commit}{linked}{to}"), "found")
            }
        }
    }

    fn commit(&mut self, repo: &str, revision: &str) -> Option<String> {
        if self.files.keys().any(|(r, commit, _)| r == repo && commit == revision) {
            return Some(revision.to_owned());
        }
        if let Some((requests, commit)) = &mut self.moves {
            if *requests == 0 {
                let commit = commit.clone();
                self.heads.insert((repo.to_owned(), revision.to_owned()), commit);
            } else {
                *requests -= 1;
            }
        }
        self.heads.get(&(repo.to_owned(), revision.to_owned())).cloned()
    }

    /// No such revision, or no such repository, for which the real hub answers 401 to strangers.
    fn missing(&self, repo: &str) -> Reply {
        if self.files.keys().any(|(r, _, _)| r == repo) {
            Reply::new(404, "X-Error-Code: RevisionNotFound\r\n", "")
        } else {
            Reply::new(401, "X-Error-Code: RepoNotFound\r\n", "")
        }
    }

    /// The body itself, or the part that was asked for, with the next fault.
    fn body(&mut self, seen: &Seen, place: &str, headers: &str) -> Reply {
        let parts: Vec<&str> = place.splitn(5, '/').collect();
        let [owner, name, _, commit, file] = parts[..] else { return Reply::new(404, "", "") };
        let key = (format!("{owner}/{name}"), commit.to_owned(), file.to_owned());
        let Some(mut body) = self.files.get(&key).cloned() else { return Reply::new(404, "", "") };
        let size = body.len();
        if seen.method == "HEAD" {
            let announced = self.announced.unwrap_or(size as u64);
            return Reply { length: Some(announced), ..Reply::new(200, headers, "") };
        }
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        let from = seen.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        let from = from.map(|from| from.parse::<usize>().unwrap());
        let (mut start, mut status) = (from.unwrap_or(0), if from.is_some() { 206 } else { 200 });
        match fault {
            Fault::Status(status, headers) => return Reply::new(status, headers, ""),
            Fault::NoRange => (start, status) = (0, 200),
            Fault::OtherRange if from.is_some() => start /= 2,
            Fault::Flip(at) => body[at % size] ^= 1,
            _ => {}
        }
        if start >= size && size > 0 {
            return Reply::new(416, format!("Content-Range: bytes */{size}\r\n"), "");
        }
        let mut headers = headers.to_owned();
        if status == 206 {
            headers = format!("{headers}Content-Range: bytes {start}-{}/{size}\r\n", size - 1);
        }
        let rest = body.split_off(start);
        let whole = rest.len() as u64;
        let few = |count: usize| rest[..count.min(rest.len())].to_vec();
        match fault {
            Fault::Cut(count) => Reply { length: Some(whole), ..Reply::new(status, headers, few(count)) },
            Fault::Stall(count) => {
                Reply { length: Some(whole), stalls: true, ..Reply::new(status, headers, few(count)) }
            }
            Fault::Short(count) => Reply::new(status, headers, few(count)),
            _ => Reply::new(status, headers, rest),
        }
    }
}
