//! The pages that a person sees while signing in. Plain HTML; decides nothing.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::{
    data::World,
    oauth::{OAUTH_CLIENT_ID, OAuthUser, authorize::Request},
    routes::Reply,
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;\
padding:0 1rem;color:#1d1127;background:#f6f5f8}main{background:#fff;border:1px solid #dcd8e3;\
border-radius:8px;padding:1.5rem}h1{font-size:1.25rem;margin-top:0}fieldset{border:1px solid \
#dcd8e3;border-radius:6px;margin:1rem 0}label{display:block;padding:.35rem 0}button{font:inherit;\
padding:.5rem 1.25rem;border-radius:6px;border:1px solid #6c5fc7;background:#6c5fc7;color:#fff}\
button[value=deny]{background:#fff;color:#3b2f8f}small{color:#5c5266}\
@media(prefers-color-scheme:dark){body{background:#17121d;color:#ece8f1}main{background:#221b2a;\
border-color:#443a50}fieldset{border-color:#443a50}small{color:#b3a9bf}\
button[value=deny]{background:#221b2a;color:#cfc8ff}}";

/// The form: who signs in, what is asked, and two buttons.
pub(super) fn consent(world: &World, request: &Request, scopes: &[&str]) -> Reply {
    let mut form = String::new();
    let mut hidden = |name: &str, value: &str| {
        // Writing to a string never fails.
        let _written =
            writeln!(form, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
    };
    hidden("client_id", OAUTH_CLIENT_ID);
    hidden("response_type", "code");
    hidden("redirect_uri", &request.redirect_uri);
    hidden("scope", &request.scope);
    if let Some(state) = &request.state {
        hidden("state", state);
    }
    if let Some(challenge) = &request.challenge {
        hidden("code_challenge", challenge);
        hidden("code_challenge_method", "S256");
    }
    form.push_str("<fieldset>\n<legend>Sign in as</legend>\n");
    for (position, user) in OAuthUser::ALL.into_iter().enumerate() {
        let checked = if position == 0 { " checked" } else { "" };
        let (name, email) = world.user(user.id()).map_or(("", ""), |user| (user.name, user.email));
        let _written = writeln!(
            form,
            "<label><input type=\"radio\" name=\"user\" value=\"{}\"{checked}> {} \
             <small>{}</small></label>",
            user.id(),
            escape(name),
            escape(email)
        );
    }
    form.push_str("</fieldset>\n<p>The application asks for:</p>\n<ul>\n");
    for scope in scopes {
        let _written = writeln!(form, "<li><code>{}</code></li>", escape(scope));
    }
    form.push_str(
        "</ul>\n<p><button name=\"op\" value=\"approve\">Approve</button>\n\
         <button name=\"op\" value=\"deny\">Deny</button></p>\n",
    );
    page(
        200,
        &format!(
            "<h1>Sign in to the simulated Sentry</h1>\n<p>Nothing here is real, and no password is \
             asked.</p>\n<form method=\"post\" action=\"/oauth/authorize/\">\n{form}</form>\n"
        ),
    )
}

/// A page that says why not.
pub(super) fn refusal(status: u16, text: &str) -> Reply {
    page(
        status,
        &format!("<h1>Something is wrong with this request</h1>\n<p>{}</p>\n", escape(text)),
    )
}

fn page(status: u16, main: &str) -> Reply {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Simulated Sentry</title><style>{STYLE}</style></head>\n\
         <body><main>\n{main}</main></body></html>\n"
    );
    Reply::bytes(status, "text/html; charset=utf-8", Bytes::from(html))
        .header("x-frame-options", "deny".to_owned())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        assert_eq!(escape("<a b='c' d=\"e\">&"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
    }
}
