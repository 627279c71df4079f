//! What can go wrong between us and Sentry, and what the reader can do about it.
//! It does not read answers: `status` turns a status code into a kind, `decode` a body.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{ids::InvalidId, site::SiteError};

/// The result of a request to Sentry.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that did not produce an answer: which one, to which host, and why.
///
/// It shows neither the query, nor the body, nor the token. Boxed, because nearly every
/// function of this crate returns it.
pub struct Error(Box<Inner>);

struct Inner {
    request: String,
    host: String,
    kind: ErrorKind,
}

impl Error {
    pub(crate) fn new(
        request: impl Into<String>,
        host: impl Into<String>,
        kind: ErrorKind,
    ) -> Error {
        Error(Box::new(Inner { request: request.into(), host: host.into(), kind }))
    }

    /// Why the request failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Method and path, for example `GET /api/0/organizations/acme/issues/`; never the query.
    pub fn request(&self) -> &str {
        &self.0.request
    }

    /// The host (with its port, if it is not the usual one) that was asked.
    pub fn host(&self) -> &str {
        &self.0.host
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("request", &self.0.request)
            .field("host", &self.0.host)
            .field("kind", &self.0.kind)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} failed", self.0.request, self.0.host)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.kind)
    }
}

/// Why a request failed, sorted by what the reader can do about it.
///
/// The text of Sentry that some kinds carry is at most 300 characters long and has no
/// control characters; it is data, not our words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No token is configured. Nothing was sent.
    #[error(
        "no Sentry auth token is configured; create one in Sentry's user settings under \
             \"Auth Tokens\" and give it to this server"
    )]
    NoToken,
    /// The configured token cannot be a token: it has a space, a line break or a
    /// character outside ASCII. Nothing was sent.
    #[error(
        "the configured auth token has characters that no Sentry token has, such as a space \
             or a line break; copy it again, without quotes"
    )]
    BadToken,
    /// The token file cannot be read. Nothing was sent.
    #[error("the token file {} cannot be read: {reason}; check that it exists and that this \
             server may read it", path.display())]
    TokenFile {
        /// The configured file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// The HTTP client could not be set up, for example because of the CA file.
    #[error("the HTTP client could not be set up: {reason}")]
    Setup {
        /// What is wrong with which setting.
        reason: String,
    },
    /// Status 401.
    #[error("sentry did not accept the auth token; it may be expired, revoked, or made for \
             another Sentry{}", quoted(detail.as_deref()))]
    Unauthorized {
        /// Sentry's text.
        detail: Option<String>,
    },
    /// Status 403. Sentry answers the same for a scope that the token lacks, a role that
    /// the user lacks, and a foreign organization.
    #[error("sentry refused this: the auth token lacks a scope, the user lacks the role, or the \
             organization is not theirs{}", quoted(detail.as_deref()))]
    Forbidden {
        /// Sentry's text.
        detail: Option<String>,
    },
    /// Status 404.
    #[error("sentry knows no such resource, or this token may not see it; check the \
             organization, the project and the id{}", quoted(detail.as_deref()))]
    NotFound {
        /// Sentry's text.
        detail: Option<String>,
    },
    /// Status 400 or 422.
    #[error("sentry did not accept the request; correct it and try again{}{}",
            quoted(detail.as_deref()), Fields(fields))]
    Validation {
        /// Sentry's text for the request as a whole.
        detail: Option<String>,
        /// Sentry's messages per field, at most 20 fields.
        fields: Vec<(String, Vec<String>)>,
    },
    /// Status 409: the thing exists already, or somebody else is changing it.
    #[error("sentry reports a conflict with what exists already{}", quoted(detail.as_deref()))]
    Conflict {
        /// Sentry's text; messages per field are joined into one.
        detail: Option<String>,
    },
    /// A redirect that is not followed: of a write, to another host, out of the fence, or
    /// the fourth in a row.
    #[error("sentry redirected the request and the redirect was not followed{}",
            Target { to_slug: to_slug.as_deref(), location: location.as_deref() })]
    Moved {
        /// The new slug of a renamed project.
        to_slug: Option<String>,
        /// Where the redirect points, without its query.
        location: Option<String>,
    },
    /// Status 429 that a short wait could not cure.
    #[error("sentry limits the rate of requests; {}", Later(*retry_after))]
    RateLimited {
        /// How long Sentry asked to wait.
        retry_after: Option<Duration>,
    },
    /// Any other status.
    #[error("sentry answered with status {status}{}", quoted(detail.as_deref()))]
    Status {
        /// The status code.
        status: u16,
        /// Sentry's text.
        detail: Option<String>,
    },
    /// Status 502, 503 or 504 to the last attempt.
    #[error("sentry is unavailable (status {status}, {}); try again in a minute",
            Attempts(*attempts))]
    Unavailable {
        /// The last status code.
        status: u16,
        /// How often the request was sent.
        attempts: u32,
    },
    /// The body is larger than the limit.
    #[error("the answer is larger than the limit of {}; ask for less, for example with a lower \
             limit or a shorter period", Size(*limit))]
    TooLarge {
        /// The limit in bytes, after decompression.
        limit: usize,
    },
    /// The body is JSON, but not of the shape that this version knows.
    #[error(
        "the answer has an unexpected shape at {path}: {problem}; this version of Sentry may \
             differ from those this server knows"
    )]
    Decode {
        /// The JSON path, `.` for the whole.
        path: String,
        /// A reason without any value of the answer.
        problem: String,
    },
    /// The body is not JSON.
    #[error(
        "status {status} came with {what} instead of JSON; check that the host is a Sentry \
             and that no login page or proxy answers for it"
    )]
    NotJson {
        /// The status code.
        status: u16,
        /// What it looks like.
        what: NotJson,
    },
    /// No connection.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// The host that was asked.
        host: String,
        /// Why it failed.
        reason: ConnectReason,
    },
    /// The connection was there and broke, or the peer does not speak HTTP.
    #[error("the connection to {host} broke while {phase}; try again")]
    Interrupted {
        /// The host that was asked.
        host: String,
        /// What we were doing.
        phase: &'static str,
    },
    /// A limit in time was reached.
    #[error("{host} did not answer in time: gave up after {} ({phase}); try again, or ask for less", Seconds(*after))]
    Timeout {
        /// The host that was asked.
        host: String,
        /// How long was waited.
        after: Duration,
        /// What we were waiting for.
        phase: &'static str,
    },
    /// A write was sent and its answer was lost.
    #[error(
        "the request was sent but its outcome is unknown ({reason}); look whether the change \
             was made before repeating it"
    )]
    OutcomeUnknown {
        /// What happened after the request was sent.
        reason: String,
    },
    /// The fence refused to build the request. Nothing was sent.
    #[error("{what}")]
    OutsideFence {
        /// What was asked for and what this session is limited to.
        what: String,
    },
    /// A path segment that could leave the path. Nothing was sent.
    #[error(transparent)]
    Segment(#[from] InvalidId),
    /// The cursor does not belong to the list. Nothing was sent.
    #[error("the cursor does not belong to this list; leave it out to start at the first page")]
    Cursor,
    /// The region is not part of this Sentry. Nothing was sent.
    #[error(transparent)]
    Region(#[from] SiteError),
    /// The body or the query of a request could not be written: a bug of this program.
    #[error("the request could not be built: {reason}; this is a bug in this server")]
    Build {
        /// The serializer's reason.
        reason: String,
    },
}

impl ErrorKind {
    /// What happened, without the advice after it: where a write may have been made, "try
    /// again" would be the wrong thing to say.
    pub(crate) fn fact(&self) -> String {
        let text = self.to_string();
        text.split_once("; ").map_or(text.as_str(), |(fact, _)| fact).to_owned()
    }
}

/// What came where JSON was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJson {
    /// A web page: a wrong host or a login page.
    Html,
    /// Nothing.
    Empty,
    /// Anything else.
    Other,
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotJson::Html => "a web page",
            NotJson::Empty => "an empty body",
            NotJson::Other => "something else",
        })
    }
}

/// Why there was no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectReason {
    /// The name could not be resolved.
    Dns,
    /// Nobody listens there.
    Refused,
    /// No connection within the connect timeout.
    Timeout,
    /// The TLS handshake failed; the text is the TLS library's.
    Tls(String),
    /// Anything else, for example a proxy that refused.
    Other,
}

impl fmt::Display for ConnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectReason::Dns => f.write_str("the name cannot be resolved; check the host's spelling and the network"),
            ConnectReason::Refused => {
                f.write_str("the connection was refused; check the host, the port, and that Sentry runs there")
            }
            ConnectReason::Timeout => {
                f.write_str("the host did not accept the connection in time; check the network and the proxy settings")
            }
            ConnectReason::Tls(text) => {
                write!(f, "the TLS handshake failed ({text}); a private certificate authority needs the CA file setting")
            }
            ConnectReason::Other => f.write_str("check the network and the proxy settings"),
        }
    }
}

/// Sentry's own words after ours, if there are any.
fn quoted(detail: Option<&str>) -> impl fmt::Display {
    Quoted(detail.map(str::to_owned))
}

struct Quoted(Option<String>);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, " (sentry says: {text})"),
            None => Ok(()),
        }
    }
}

struct Fields<'a>(&'a [(String, Vec<String>)]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, messages) in self.0 {
            write!(f, "; {name}: {}", messages.join(", "))?;
        }
        Ok(())
    }
}

struct Target<'a> {
    to_slug: Option<&'a str>,
    location: Option<&'a str>,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.to_slug, self.location) {
            (Some(slug), _) => write!(f, "; it is now called `{slug}`: use that name"),
            (None, Some(location)) => {
                write!(f, "; it points to {location}: check the configured host")
            }
            (None, None) => f.write_str("; check the configured host"),
        }
    }
}

struct Later(Option<Duration>);

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, "try again in {}", Seconds(wait)),
            None => f.write_str("try again in a minute"),
        }
    }
}

struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("asked once"),
            n => write!(f, "asked {n} times"),
        }
    }
}

/// A duration as a person says it: `10 s`, `0.3 s`, `1 h`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds >= 10.0 || self.0.subsec_millis() == 0 {
            write!(f, "{seconds:.0} s")
        } else {
            write!(f, "{seconds:.1} s")
        }
    }
}

/// A size as a person says it: `16 MiB`, `900 bytes`.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1024 * 1024 => write!(f, "{} MiB", n / (1024 * 1024)),
            n if n >= 1024 => write!(f, "{} KiB", n / 1024),
            n => write!(f, "{n} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_wait_and_the_host() {
        let timeout = ErrorKind::Timeout {
            host: "sentry.example.com".into(),
            after: Duration::from_secs(10),
            phase: "waiting for the first byte",
        };
        assert_eq!(
            timeout.to_string(),
            "sentry.example.com did not answer in time: gave up after 10 s (waiting for the first byte); \
             try again, or ask for less"
        );
        let limited = ErrorKind::RateLimited { retry_after: Some(Duration::from_hours(1)) };
        assert_eq!(limited.to_string(), "sentry limits the rate of requests; try again in 3600 s");
    }

    #[test]
    fn a_validation_message_lists_the_fields() {
        let kind = ErrorKind::Validation {
            detail: None,
            fields: vec![("platform".into(), vec!["Invalid platform".into()])],
        };
        assert!(kind.to_string().ends_with("; platform: Invalid platform"), "{kind}");
    }

    #[test]
    fn the_error_names_the_request_and_leaves_the_reason_to_its_source() {
        let error = Error::new("GET /api/0/auth/", "sentry.io", ErrorKind::NoToken);
        assert_eq!(error.to_string(), "GET /api/0/auth/ at sentry.io failed");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source, Some(ErrorKind::NoToken.to_string()));
    }

    #[test]
    fn a_result_stays_small() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
