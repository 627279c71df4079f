//! Short ids, tag names and ages, as the description files and Sentry write them.

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Sentry's display name of a tag key.
pub(crate) fn tag_name(key: &str) -> String {
    match key {
        "server_name" => "Server".to_owned(),
        "url" => "URL".to_owned(),
        _ => key
            .split('_')
            .map(|word| {
                let mut letters = word.chars();
                letters.next().map_or_else(String::new, |first| {
                    first.to_ascii_uppercase().to_string() + letters.as_str()
                })
            })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// A short id of the project's slug and a number, in the base 32 that Sentry counts in.
pub(crate) fn short_id(slug: &str, number: u32) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut digits = Vec::new();
    let mut rest = number;
    while rest > 0 {
        digits.push(DIGITS.get(rest as usize % 32).copied().unwrap_or(b'0'));
        rest /= 32;
    }
    let number: String = digits.iter().rev().map(|digit| char::from(*digit)).collect();
    format!("{}-{number}", slug.to_ascii_uppercase())
}

/// Seconds of an age such as `12m`, `3h`, `21d`.
pub(crate) fn age(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "m" => 60,
        "h" => HOUR,
        _ => DAY,
    };
    number.parse::<i64>().unwrap_or(0) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_count_in_base_32_without_lookalikes() {
        assert_eq!(short_id("checkout-api", 1), "CHECKOUT-API-1");
        assert_eq!(short_id("api", 31), "API-Z");
        assert_eq!(short_id("api", 32), "API-10");
        assert_eq!(short_id("api", 18), "API-J");
    }

    #[test]
    fn ages_have_units() {
        assert_eq!(age("12m"), 720);
        assert_eq!(age("2h"), 7200);
        assert_eq!(age("1d"), DAY);
    }
}
