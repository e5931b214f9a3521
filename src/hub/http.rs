//! One request at a time: address, token, redirects, and why it brought nothing.

use std::error::Error;
use std::io::{self, Read};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Method, Url};

use super::error::HubError;
use super::patience::Patience;

/// The hub redirects once or twice; more is a loop.
const MOST_REDIRECTS: usize = 10;

/// Why a request brought nothing, or not all.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server says no.
    Refused {
        status: u16,
        /// The hub's word for it, such as `GatedRepo`.
        code: Option<String>,
        /// What `Retry-After` asks for.
        wait: Option<Duration>,
    },
    /// No connection.
    Unreachable(String),
    /// A connection, and nothing came.
    Stalled,
    /// It broke.
    Dropped(String),
    /// An answer that cannot be used.
    Answer(String),
}

impl Trouble {
    /// True if the same request may go well a little later.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Unreachable(_) | Self::Stalled | Self::Dropped(_) => true,
            Self::Answer(_) => false,
        }
    }

    /// The wait the server asks for.
    pub(super) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            _ => None,
        }
    }

    /// A few words for somebody who waits.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Refused { status: 429, .. } => "the hub asks for patience (429)".to_owned(),
            Self::Refused { status, .. } => format!("the hub answers with error {status}"),
            Self::Unreachable(problem) => format!("no connection ({problem})"),
            Self::Stalled => "nothing came".to_owned(),
            Self::Dropped(problem) => format!("the connection broke ({problem})"),
            Self::Answer(problem) => problem.clone(),
        }
    }

    /// What a failed read of a body means.
    pub(super) fn of_read(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
        if error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout) {
            return Self::Stalled;
        }
        Self::Dropped(root_of(error))
    }

    fn of_request(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            // A connection that is not made in time is no stalled one.
            return if error.is_connect() {
                Self::Unreachable("no answer in time".to_owned())
            } else {
                Self::Stalled
            };
        }
        if error.is_connect() { Self::Unreachable(root_of(error)) } else { Self::Dropped(root_of(error)) }
    }
}

/// The last cause: what the system said, without the address that the outer layers repeat.
fn root_of(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    // An error of the client itself would name its address.
    if root.is::<reqwest::Error>() { "it ended early".to_owned() } else { root.to_string() }
}

/// What the headers of an answer, and of the redirects before it, say about a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// `X-Repo-Commit`.
    pub(super) commit: Option<String>,
    /// `X-Linked-ETag`, else `ETag`, without quotes.
    pub(super) etag: Option<String>,
    /// `X-Linked-Size`, else `Content-Length`.
    pub(super) bytes: Option<u64>,
    linked_etag: Option<String>,
    linked_bytes: Option<u64>,
}

impl Head {
    /// The hub's own words come first; what a content server says of its copy fills the gaps.
    fn add(&mut self, headers: &HeaderMap, is_redirect: bool) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bare = |etag: String| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        self.commit = self.commit.take().or_else(|| text("x-repo-commit"));
        self.linked_etag = self.linked_etag.take().or_else(|| text("x-linked-etag").map(bare));
        self.linked_bytes =
            self.linked_bytes.or_else(|| text("x-linked-size").and_then(|size| size.parse().ok()));
        self.etag = self.linked_etag.clone().or_else(|| text("etag").map(bare)).or(self.etag.take());
        let length = || text("content-length").filter(|_| !is_redirect).and_then(|size| size.parse().ok());
        self.bytes = self.linked_bytes.or_else(length);
    }

    /// True if a content server would add nothing.
    const fn is_told(&self) -> bool {
        self.commit.is_some() && self.linked_etag.is_some() && self.linked_bytes.is_some()
    }
}

/// The hub's front door.
#[derive(Debug)]
pub(super) struct Door {
    client: Client,
    endpoint: Url,
    token: Option<String>,
}

impl Door {
    pub(super) fn new(endpoint: &str, token: Option<String>, patience: Patience) -> Result<Self, HubError> {
        let mut endpoint =
            Url::parse(endpoint).map_err(|error| HubError::Settings(format!("no address ({error})")))?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host_str().is_none() {
            return Err(HubError::Settings("the address is not one of the web".to_owned()));
        }
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        let client = Client::builder()
            .user_agent(format!("claimbench/{}", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(patience.connect)
            // Of a blocking client: for the head of an answer, and for each read of its body.
            .timeout(patience.stall)
            .build()
            .map_err(|error| HubError::Settings(root_of(&error)))?;
        Ok(Self { client, endpoint, token })
    }

    pub(super) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Who is asked: a name without user, password and path.
    pub(super) fn host(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or("the hub");
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Where a file is.
    pub(super) fn file(&self, repo: &str, revision: &str, file: &str) -> Url {
        self.address(repo.split('/').chain(["resolve", revision]).chain(file.split('/')))
    }

    /// Where the hub tells what a revision is made of.
    pub(super) fn revision(&self, repo: &str, revision: &str) -> Url {
        self.address(["api", "models"].into_iter().chain(repo.split('/')).chain(["revision", revision]))
    }

    fn address<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Url {
        let mut url = self.endpoint.clone();
        url.path_segments_mut().expect("an address of the web has a path").pop_if_empty().extend(parts);
        url
    }

    /// What the hub says about a file, without the file.
    pub(super) fn head(&self, url: &Url) -> Result<Head, Trouble> {
        Ok(self.follow(&Method::HEAD, url, None)?.0)
    }

    /// A body from `offset` on; its head tells whether the server heeded the offset.
    pub(super) fn get(&self, url: &Url, offset: Option<u64>) -> Result<(Head, Response), Trouble> {
        self.follow(&Method::GET, url, offset)
    }

    /// A small text.
    pub(super) fn text(&self, url: &Url, most: u64) -> Result<String, Trouble> {
        let (_, response) = self.get(url, None)?;
        let mut text = String::new();
        response.take(most).read_to_string(&mut text).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Trouble::Answer("it is no text".to_owned()),
            _ => Trouble::of_read(&error),
        })?;
        Ok(text)
    }

    /// Sends, and goes where the answer points to: the token only to the hub itself, and nothing from an encrypted
    /// address to a plain one.
    fn follow(&self, method: &Method, url: &Url, offset: Option<u64>) -> Result<(Head, Response), Trouble> {
        let (mut url, mut head) = (url.clone(), Head::default());
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send(method, &url, offset)?;
            let status = response.status();
            head.add(response.headers(), status.is_redirection());
            if status.is_success() || (status.is_redirection() && *method == Method::HEAD && head.is_told()) {
                return Ok((head, response));
            }
            if !status.is_redirection() {
                return Err(refusal(&response));
            }
            let location = response.headers().get("location").and_then(|to| to.to_str().ok());
            let next = location.and_then(|to| url.join(to).ok());
            let next = next.ok_or_else(|| Trouble::Answer("it redirects to nowhere".to_owned()))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(Trouble::Answer("it redirects to an address without encryption".to_owned()));
            }
            url = next;
        }
        Err(Trouble::Answer("it redirects without end".to_owned()))
    }

    fn send(&self, method: &Method, url: &Url, offset: Option<u64>) -> Result<Response, Trouble> {
        let mut headers = HeaderMap::new();
        // A compressed body would have neither the size nor the ranges of the file.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(token) = self.token.as_ref().filter(|_| url.origin() == self.endpoint.origin())
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}"))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(offset) = offset {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"));
            headers.insert(RANGE, range.expect("digits are good in a header"));
        }
        let request = self.client.request(method.clone(), url.clone()).headers(headers);
        request.send().map_err(|error| Trouble::of_request(&error))
    }
}

fn refusal(response: &Response) -> Trouble {
    let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    Trouble::Refused {
        status: response.status().as_u16(),
        code: text("x-error-code").map(str::to_owned),
        wait: text("retry-after").and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(endpoint: &str) -> Result<Door, HubError> {
        Door::new(endpoint, None, Patience::default())
    }

    #[test]
    fn addresses_keep_the_path_of_the_endpoint_and_hide_no_slash() {
        let door = door("https://mirror.example/hub/").unwrap();
        let url = door.file("owner/model", "feature/x", "sub/a b#1.gguf");
        assert_eq!(
            url.as_str(),
            "https://mirror.example/hub/owner/model/resolve/feature%2Fx/sub/a%20b%231.gguf"
        );
        let url = door.revision("owner/model", "main");
        assert_eq!(url.as_str(), "https://mirror.example/hub/api/models/owner/model/revision/main");
    }

    #[test]
    fn an_endpoint_that_is_no_address_of_the_web_is_refused_without_repeating_it() {
        for endpoint in ["not an address", "file:///etc/passwd", "mailto:secret@example.org", ""] {
            let error = door(endpoint).unwrap_err().to_string();
            assert!(error.contains("HF_ENDPOINT") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_hubs_own_words_come_before_those_of_a_content_server() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let hub: HeaderMap = headers(&[
            ("x-repo-commit", "c1"),
            ("x-linked-etag", "\"abc\""),
            ("x-linked-size", "10"),
            ("content-length", "99"),
        ]);
        let content: HeaderMap = headers(&[("etag", "W/\"other\""), ("content-length", "10")]);
        let mut head = Head::default();
        head.add(&hub, true);
        assert!(head.is_told());
        head.add(&content, false);
        assert_eq!(
            (head.commit.as_deref(), head.etag.as_deref(), head.bytes),
            (Some("c1"), Some("abc"), Some(10))
        );
        // A canonical address first, the file itself next: the length of a redirect is not the file's.
        let mut head = Head::default();
        head.add(&headers(&[("content-length", "40"), ("x-repo-commit", "c2")]), true);
        assert!(!head.is_told() && head.bytes.is_none());
        head.add(&content, false);
        assert_eq!(
            (head.commit.as_deref(), head.etag.as_deref(), head.bytes),
            (Some("c2"), Some("other"), Some(10))
        );
    }
}
