//! The ticket in the dialog's form: the whole request, sealed for one browser and ten minutes.
//!
//! It is the CSRF token (RFC 6749 §10.12, RFC 9700 §4.7): another site can neither read nor
//! make one, and one that was made for another browser does not open. It does not make the
//! form work only once; each approval leads to a login of its own.

use secrecy::{ExposeSecret, SecretSlice};

use crate::{
    seal::{KeyRing, Place, SealError, Sealed},
    store::{MINUTE, Millis},
};

/// How long a person may think.
const VALID: Millis = 10 * MINUTE;

/// A ticket that does not open the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TicketError {
    /// It is older than ten minutes.
    Expired,
    /// It was changed, or made for another browser or by another server.
    Foreign,
}

/// The browser's random name is part of the place, so the ticket opens for no other.
fn place(browser: &str) -> Place<'_> {
    Place { table: "form", row: browser, column: "request" }
}

/// Seals the query of the authorization request.
pub(super) fn seal(
    keys: &KeyRing,
    browser: &str,
    query: &str,
    now: Millis,
) -> Result<String, SealError> {
    let plain = format!("{}\n{query}", now.saturating_add(VALID));
    Ok(keys.seal(place(browser), plain.as_bytes())?.as_text().to_owned())
}

/// The query again.
pub(super) fn open(
    keys: &KeyRing,
    browser: &str,
    ticket: &str,
    now: Millis,
) -> Result<String, TicketError> {
    let plain: SecretSlice<u8> = keys
        .open(place(browser), &Sealed::from_text(ticket.to_owned()))
        .map_err(|_| TicketError::Foreign)?;
    let plain = std::str::from_utf8(plain.expose_secret()).map_err(|_| TicketError::Foreign)?;
    let (until, query) = plain.split_once('\n').ok_or(TicketError::Foreign)?;
    let until: Millis = until.parse().map_err(|_| TicketError::Foreign)?;
    // A ticket from further ahead than it can be was made by a clock that is wrong.
    if now >= until || until - now > VALID {
        return Err(TicketError::Expired);
    }
    Ok(query.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_for_its_browser_for_ten_minutes() {
        let keys = KeyRing::generate().unwrap();
        let ticket = seal(&keys, "browser", "a=1&b=2", 1_000).unwrap();
        assert!(!ticket.contains("a=1"));
        for at in [1_000, 1_000 + VALID - 1] {
            assert_eq!(open(&keys, "browser", &ticket, at), Ok("a=1&b=2".to_owned()));
        }
        for at in [1_000 + VALID, i64::MAX, 0] {
            assert_eq!(open(&keys, "browser", &ticket, at), Err(TicketError::Expired), "{at}");
        }
    }

    #[test]
    fn a_changed_moved_or_foreign_ticket_opens_nowhere() {
        let keys = KeyRing::generate().unwrap();
        let ticket = seal(&keys, "browser", "a=1", 0).unwrap();
        let mut changed = ticket.clone();
        let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
        changed.push(last);
        let other = KeyRing::generate().unwrap();
        for (keys, browser, ticket) in [
            (&keys, "another", ticket.as_str()),
            (&keys, "browser", changed.as_str()),
            (&keys, "browser", ""),
            (&keys, "browser", "1.00000000.AAAA"),
            (&other, "browser", ticket.as_str()),
        ] {
            assert_eq!(open(keys, browser, ticket, 0), Err(TicketError::Foreign));
        }
    }
}
