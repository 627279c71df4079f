//! What is read of a message before it is served: enough to answer a call that needs more than
//! was granted with a challenge of HTTP, and nothing that decides what runs.
//!
//! The registry checks every call again. A message that this reader and the one behind it could
//! understand differently (repeated keys, batches) is refused here.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tools::gate::Reason;

use super::Account;
use crate::handler::McpServer;

/// The deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 64;

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To call this tool.
    Call(String),
    /// Anything else.
    Other,
}

/// A message that is not served. The text is for the client's developer and repeats nothing of
/// the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// The body is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// Arrays and objects are nested deeper than [`MAX_DEPTH`].
    #[error("the body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// JSON-RPC batches ended with the protocol of 2025-06-18.
    #[error("batches are not supported: send each message in a request of its own")]
    Batch,
    /// JSON, but not a message; or one in which a key is repeated.
    #[error("the body is not one message of JSON-RPC 2.0 whose keys are all different")]
    NotAMessage,
}

impl BadMessage {
    /// The error as the body of an answer (JSON-RPC 2.0 §5.1). Without a readable id it has none.
    pub fn to_json(self) -> String {
        let code = if self == BadMessage::NotJson { -32_700 } else { -32_600 };
        let error = json!({ "code": code, "message": self.to_string() });
        json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string()
    }
}

/// The members of a message. What is named here cannot be repeated.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Message<'_> {
    /// JSON-RPC 2.0 §4 and §5, as MCP narrows them: an id is text or a whole number, and
    /// parameters are an object.
    fn is_valid(&self) -> bool {
        // Some encoders write whole numbers as `1.0`; up to 2^53 nothing is lost by that.
        let whole = |n: f64| n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0;
        let is_number = |id: &str| id.parse::<i64>().is_ok() || id.parse().is_ok_and(whole);
        let is_id = |id: &RawValue| id.get().starts_with('"') || is_number(id.get());
        self.jsonrpc == "2.0"
            && (self.method.is_some() || self.result.is_some() || self.error.is_some())
            && self.id.is_none_or(is_id)
            && self.params.is_none_or(|params| params.get().starts_with('{'))
    }
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default, rename = "arguments")]
    _arguments: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    _meta: Option<&'a RawValue>,
}

/// The one method that may need more than was granted.
const CALL: &str = "tools/call";

impl Asked {
    /// Reads the body of a request. Linear in its length, and it copies nothing but the name.
    pub fn read(body: &[u8]) -> Result<Asked, BadMessage> {
        if depth(body) > MAX_DEPTH {
            return Err(BadMessage::TooDeep);
        }
        // What is skipped below is not checked there.
        if std::str::from_utf8(body).is_err() {
            return Err(BadMessage::NotJson);
        }
        let is_json = || serde_json::from_slice::<&RawValue>(body).is_ok();
        // An array would do for a struct as well, with its values in order.
        if body.trim_ascii_start().starts_with(b"[") {
            return Err(if is_json() { BadMessage::Batch } else { BadMessage::NotJson });
        }
        let message: Message<'_> = serde_json::from_slice(body)
            .map_err(|_| if is_json() { BadMessage::NotAMessage } else { BadMessage::NotJson })?;
        if !message.is_valid() {
            return Err(BadMessage::NotAMessage);
        }
        let Some(params) = message.params.filter(|_| message.method.as_deref() == Some(CALL))
        else {
            return Ok(Asked::Other);
        };
        match serde_json::from_str::<CallParams<'_>>(params.get()) {
            Ok(params) => Ok(Asked::Call(params.name.into_owned())),
            Err(_) => Err(BadMessage::NotAMessage),
        }
    }
}

/// How deep the text nests. Brackets in strings do not count; text that is no JSON gives some
/// number, and fails later.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        if in_string {
            (in_string, escaped) = match byte {
                _ if escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What a caller has to be asked for before a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// All scopes that the operation needs, separated by blanks as in OAuth (RFC 6749 §3.3).
    pub scopes: String,
    /// What is missing and what to do, in ASCII without quotes.
    pub description: String,
}

impl McpServer {
    /// What is missing for a call, if scopes of the grant are; every other refusal is told in
    /// the answer of the call.
    ///
    /// The decision is the registry's, the same as for listing and calling.
    pub fn step_up(&self, account: &Account, asked: &Asked) -> Option<StepUp> {
        let Asked::Call(tool) = asked else { return None };
        let refusal = self.registry().check(&account.grant(), tool).err()?;
        let Reason::NotGranted { missing } = refusal.reason else { return None };
        let scopes: Vec<&str> = refusal.needs.iter().map(scopes::Scope::as_str).collect();
        Some(StepUp {
            scopes: scopes.join(" "),
            description: format!(
                "{} needs {missing}, which was not granted",
                // A name that the registry knows is plain; it is one of ours.
                refusal.tool
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use scopes::{DEFAULT_GRANT, Scope, ScopeSet};
    use tools::{installation::Installation, registry::Catalog};

    use super::*;

    fn read(body: &str) -> Result<Asked, BadMessage> {
        Asked::read(body.as_bytes())
    }

    fn call(params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
    }

    #[test]
    fn a_call_is_read_with_its_name_however_it_is_written() {
        let whoami = Ok(Asked::Call("whoami".to_owned()));
        for body in [
            call(r#"{"name":"whoami"}"#),
            call(r#"{"arguments":{"name":"other","a":[{}]},"name":"whoami","_meta":{}}"#),
            call(r#"{"n\u0061me":"who\u0061mi"}"#),
            format!(" \n{} ", call(r#"{"name":"whoami"}"#)),
        ] {
            assert_eq!(read(&body), whoami, "{body}");
        }
    }

    #[test]
    fn other_messages_are_not_looked_into() {
        for body in [
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{"a":1,"a":2}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":-7,"method":"tools/call"}"#,
        ] {
            assert_eq!(read(body), Ok(Asked::Other), "{body}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        for (body, expected) in [
            (String::new(), BadMessage::NotJson),
            ("{".to_owned(), BadMessage::NotJson),
            ("[".to_owned(), BadMessage::NotJson),
            ("{} {}".to_owned(), BadMessage::NotJson),
            ("\u{feff}{}".to_owned(), BadMessage::NotJson),
            ("[]".to_owned(), BadMessage::Batch),
            (format!("[{}]", call("{}")), BadMessage::Batch),
            (r#"["2.0","tools/call",{"name":"x"},1]"#.to_owned(), BadMessage::Batch),
            ("7".to_owned(), BadMessage::NotAMessage),
            ("{}".to_owned(), BadMessage::NotAMessage),
            (call(r#"["whoami"]"#), BadMessage::NotAMessage),
            (call(r#"{"name":"a","name":"b"}"#), BadMessage::NotAMessage),
            (call(r#"{"name":"a","n\u0061me":"b"}"#), BadMessage::NotAMessage),
            (call(r#"{"name":"a","arguments":{},"arguments":{}}"#), BadMessage::NotAMessage),
            (call(r#"{"name":7}"#), BadMessage::NotAMessage),
            (call(r#"{}},"params":{"name":"b"}"#), BadMessage::NotJson),
            (call(r#"{"name":"a"},"method":"tools/list""#), BadMessage::NotAMessage),
            (call(r#"{"name":"a"},"id":2"#), BadMessage::NotAMessage),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#.to_owned(), BadMessage::NotAMessage),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#.to_owned(), BadMessage::NotAMessage),
            (r#"{"jsonrpc":"2.0","id":1}"#.to_owned(), BadMessage::NotAMessage),
        ] {
            assert_eq!(read(&body), Err(expected), "{body}");
        }
    }

    #[test]
    fn an_id_is_text_or_a_whole_number_that_can_be_given_back() {
        let with = |id: &str| read(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        for id in ["0", "-7", "1.0", "1e3", "9223372036854775807", r#""a""#, r#""""#] {
            assert_eq!(with(id), Ok(Asked::Other), "{id}");
        }
        let long = "9".repeat(10_000);
        for id in ["1.5", "1e19", "1e999999", "9223372036854775808", &long, "true", "{}", "[1]"] {
            assert_eq!(with(id), Err(BadMessage::NotAMessage), "{id}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_wherever_they_are() {
        let whole = br#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":"?"}"#.to_vec();
        for (at, _) in whole.iter().enumerate().filter(|(_, byte)| **byte == b'?') {
            let mut broken = whole.clone();
            broken[at] = 0xff;
            assert_eq!(Asked::read(&broken), Err(BadMessage::NotJson));
        }
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_text_do_not_nest() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            call(&format!(r#"{{"name":"a","arguments":{{"a":{open}{close}}}}}"#))
        };
        // The message, its parameters and the arguments are three levels.
        assert_eq!(read(&nested(MAX_DEPTH - 3)), Ok(Asked::Call("a".to_owned())));
        assert_eq!(read(&nested(MAX_DEPTH - 2)), Err(BadMessage::TooDeep));
        assert_eq!(read(&"[".repeat(200_000)), Err(BadMessage::TooDeep));
        let text = format!(r#"{{"name":"a","arguments":{{"a":"\"{}\\"}}}}"#, "[{".repeat(100));
        assert_eq!(read(&call(&text)), Ok(Asked::Call("a".to_owned())));
    }

    #[test]
    fn an_error_is_told_as_json_rpc_without_an_id() {
        let told: serde_json::Value = serde_json::from_str(&BadMessage::NotJson.to_json()).unwrap();
        assert_eq!((&told["error"]["code"], &told["id"]), (&(-32_700).into(), &().into()));
        let told: serde_json::Value = serde_json::from_str(&BadMessage::Batch.to_json()).unwrap();
        assert_eq!(told["error"]["code"], -32_600);
    }

    #[test]
    fn a_step_up_names_all_scopes_of_the_call_and_only_a_missing_scope_leads_to_one() {
        let server = McpServer::without_caller(Catalog::new(Installation::default()));
        let step_up = |granted, tool: &str| {
            let account = Account::new(granted, None, (None, None));
            server.step_up(&account, &Asked::Call(tool.to_owned()))
        };
        let told = step_up(DEFAULT_GRANT, "create_project").unwrap();
        assert_eq!(told.scopes, "project:write team:read");
        assert!(told.description.contains("project:write"), "{}", told.description);
        assert_eq!(step_up(DEFAULT_GRANT, "whoami"), None);
        assert_eq!(step_up(DEFAULT_GRANT, "no_such_tool"), None);
        assert_eq!(step_up(DEFAULT_GRANT, "get_doc"), None, "unavailable, not ungranted");
        let granted = DEFAULT_GRANT.union(ScopeSet::of(&[Scope::ProjectAdmin]));
        assert_eq!(step_up(granted, "create_project"), None);
    }
}
