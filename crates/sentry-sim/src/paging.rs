//! Sentry's cursor paging: `per_page`, `cursor`, and the `Link` header. Does not know what is paged.

use crate::routes::{Call, Reply};

/// The most and the default number of rows on a page (Sentry's `get_per_page`).
const MOST: usize = 100;

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    per_page: usize,
    number: usize,
}

impl Page {
    /// Reads `per_page` (or `limit`) and `cursor`; a bad one is Sentry's 400.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, Reply> {
        let per_page = match call.param("per_page").or_else(|| call.param("limit")) {
            None => MOST,
            Some(text) => match text.parse::<usize>() {
                Ok(number @ 1..=MOST) => number,
                Ok(_) => {
                    return Err(Reply::detail(
                        400,
                        "Invalid per_page value. Must be between 1 and 100.",
                    ));
                }
                Err(_) => return Err(Reply::detail(400, "Invalid per_page parameter.")),
            },
        };
        let number = match call.param("cursor").filter(|cursor| !cursor.is_empty()) {
            None => 0,
            Some(cursor) => page_number(cursor)
                .ok_or_else(|| Reply::detail(400, "Invalid cursor parameter."))?,
        };
        Ok(Self { per_page, number })
    }

    /// The rows of this page.
    pub(crate) fn slice<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let start = self.number.saturating_mul(self.per_page).min(all.len());
        let end = start.saturating_add(self.per_page).min(all.len());
        all.get(start..end).unwrap_or(&[])
    }

    /// The `Link` header for a list of `total` rows.
    pub(crate) fn link(&self, call: &Call<'_>, total: usize) -> String {
        let mut base = format!("http://{}{}?", call.host, call.path);
        let kept = call
            .query
            .split('&')
            .filter(|pair| !pair.is_empty() && *pair != "cursor" && !pair.starts_with("cursor="));
        for pair in kept {
            base.push_str(pair);
            base.push('&');
        }
        if base.ends_with('?') {
            base.push('&');
        }
        let per_page = self.per_page;
        let more = self.number.saturating_add(1).saturating_mul(per_page) < total;
        let previous = match self.number.checked_sub(1) {
            Some(number) => format!("{per_page}:{number}:1"),
            None => format!("{per_page}:-1:1"),
        };
        let next = format!("{per_page}:{}:0", self.number.saturating_add(1));
        let back = self.number > 0;
        format!(
            "<{base}cursor={previous}>; rel=\"previous\"; results=\"{back}\"; cursor=\"{previous}\", \
             <{base}cursor={next}>; rel=\"next\"; results=\"{more}\"; cursor=\"{next}\""
        )
    }
}

/// The middle of `per_page:page:is_previous`.
fn page_number(cursor: &str) -> Option<usize> {
    let mut parts = cursor.split(':');
    let (Some(size), Some(number), Some("0" | "1"), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    size.parse::<u64>().ok()?;
    // Sentry's own cursor before the first page is -1: it holds the first page.
    number.parse::<i64>().ok().map(|number| usize::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_three_numbers() {
        assert_eq!(page_number("100:3:0"), Some(3));
        assert_eq!(page_number("100:-1:1"), Some(0));
        for bad in ["", "3", "a:1:0", "100:b:0", "100:1:2", "100:1:0:0"] {
            assert_eq!(page_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_past_the_end_is_empty() {
        let page = Page { per_page: 2, number: usize::MAX };
        assert!(page.slice(&[1, 2, 3]).is_empty());
        assert_eq!(Page { per_page: 2, number: 1 }.slice(&[1, 2, 3]), &[3]);
    }
}
