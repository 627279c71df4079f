//! The parameters of one request, as a query or a form (`application/x-www-form-urlencoded`).
//! They are bounded and counted here; what they mean is not known.

use axum::http::{HeaderMap, header};
use url::form_urlencoded;

use crate::error::OAuthError;

/// The most parameters a request may have; the dialog, with every box ticked, has some 25.
const MOST: usize = 64;

/// The longest query or form of a client, in bytes.
pub(crate) const LONGEST: usize = 16 * 1024;

/// The parameters of one request, in the order in which they came.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query or a form.
    ///
    /// More than 64 parameters, more than 16 KiB, control characters, and bytes that are no
    /// UTF-8 are `invalid_request`: no parameter of OAuth has them (RFC 6749 appendix A).
    pub fn parse(encoded: &[u8]) -> Result<Params, OAuthError> {
        if encoded.len() > LONGEST {
            return Err(OAuthError::too_large());
        }
        let mut params = Vec::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if params.len() == MOST {
                return Err(OAuthError::invalid_request("there are too many parameters"));
            }
            let odd = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
            if name.contains(odd) || value.contains(odd) {
                return Err(OAuthError::invalid_request(
                    "a parameter has control characters or is not UTF-8",
                ));
            }
            params.push((name.into_owned(), value.into_owned()));
        }
        Ok(Params(params))
    }

    /// Reads the body of a POST, which must say that it is a form (RFC 6749 appendix B).
    pub fn from_form(headers: &HeaderMap, body: &[u8]) -> Result<Params, OAuthError> {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let form = match (types.next().map(header_text), types.next()) {
            (Some(Some(text)), None) => text.split(';').next().is_some_and(|t| {
                t.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
            }),
            _ => false,
        };
        if !form {
            return Err(OAuthError::invalid_request(
                "the body must be application/x-www-form-urlencoded",
            ));
        }
        Params::parse(body)
    }

    /// A parameter that may be given once. Sent without a value it counts as not sent, and
    /// sent twice it is an error (RFC 6749 §3.1, §3.2).
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
            _ => Err(OAuthError::invalid_request(format!("{name} was sent more than once"))),
        }
    }

    /// The same, for a parameter that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.one(name)?.ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing")))
    }

    /// Every value of a parameter, in order, empty ones too.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether any parameter but these was sent twice, known or not (RFC 6749 §3.1).
    pub fn repeats_beside(&self, repeatable: &[&str]) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.retain(|name| !repeatable.contains(name));
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
    }
}

impl std::fmt::Debug for Params {
    /// Names only: values are codes, tokens and secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn header_text(value: &axum::http::HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Params {
        Params::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_empty_value_counts_as_none_and_a_second_one_as_an_error() {
        let params = parse("a=1&b=&c=1&c=2&d=&d=");
        assert_eq!(params.one("a").unwrap(), Some("1"));
        assert_eq!(params.one("b").unwrap(), None);
        assert!(params.one("c").is_err() && params.one("d").is_err());
        assert_eq!(params.one("e").unwrap(), None);
        assert!(params.required("e").unwrap_err().description().contains("e is missing"));
        assert_eq!(params.all("c").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn repetition_is_noticed_whatever_the_name_is_and_however_it_is_spelled() {
        assert!(parse("x=1&y=2&x=3").repeats_beside(&[]));
        assert!(parse("st%61te=1&state=2").repeats_beside(&[]));
        assert!(!parse("scope=1&scope=2&x=1").repeats_beside(&["scope"]));
    }

    #[test]
    fn what_no_parameter_has_is_refused() {
        for bad in ["a=%00", "a=%0d%0ab", "a%0a=b", "a=%ff", "a=%c3%28", "a=%7f"] {
            assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Params::parse("a=1&".repeat(MOST + 1).as_bytes()).is_err());
        let long = Params::parse("a".repeat(LONGEST + 1).as_bytes()).unwrap_err();
        assert_eq!(long.status(), 413);
    }

    #[test]
    fn only_a_form_is_read_as_a_form() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, value.parse().unwrap());
            }
            Params::from_form(&headers, b"a=1")
        };
        assert!(with(&["application/x-www-form-urlencoded"]).is_ok());
        assert!(with(&["Application/X-WWW-Form-URLencoded; charset=utf-8"]).is_ok());
        for bad in [
            &[][..],
            &["application/json"],
            &["text/plain"],
            &["application/x-www-form-urlencoded", "text/plain"],
        ] {
            assert!(with(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", parse("code=tell-nobody")), r#"{"code"}"#);
    }
}
