//! "Did you mean …?": the nearest of some known names.

/// The known name that `name` was probably meant to be.
///
/// Case, `_`, and `-` do not count, so `organization_slug` finds `organizationSlug`.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(name);
    let scored = known.map(|known| (strsim::jaro_winkler(&wanted, &fold(known)), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.8).then_some(best.1)
}

/// At most 60 characters on one line of what a caller wrote, to be shown back.
pub(crate) fn shorten(text: &str) -> String {
    let mut clean: String = text.chars().filter(|c| !c.is_control()).take(61).collect();
    if clean.chars().count() > 60 {
        clean.pop();
        clean.push('…');
    }
    clean
}

/// Long names are cut, so that comparing stays cheap whatever a client sends.
fn fold(name: &str) -> String {
    name.chars().take(64).filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_separators_do_not_count() {
        let known = ["organizationSlug", "projectSlug"];
        assert_eq!(nearest("PROJECT_SLUG", known.into_iter()), Some("projectSlug"));
    }

    #[test]
    fn a_name_unlike_all_others_has_no_neighbor() {
        assert_eq!(nearest("zzz", ["organizationSlug"].into_iter()), None);
    }
}
