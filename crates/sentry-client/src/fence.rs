//! What a client may reach: nothing outside can be built into a request.
//! It does not check what an answer holds; whoever looks an object up by its id does.

use crate::Slug;

/// The organization and the project that a client is limited to. The default limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// The only organization that may be asked.
    pub organization: Option<Slug>,
    /// The only project that may be asked.
    pub project: Option<Slug>,
}

impl Fence {
    /// No limit.
    pub fn none() -> Fence {
        Fence::default()
    }

    /// Whether the organization lies inside. Slugs are compared as they are written.
    pub fn admits_organization(&self, organization: &Slug) -> bool {
        self.organization.as_ref().is_none_or(|only| only == organization)
    }

    /// Whether the project lies inside. Only its slug counts: a numeric id cannot be
    /// compared without a lookup, so a fence with a project admits none.
    pub fn admits_project(&self, project: &str) -> bool {
        self.project.as_ref().is_none_or(|only| only.as_str() == project)
    }

    /// Why a request to this organization and project is refused, if it is.
    pub(crate) fn refusal(
        &self,
        organization: Option<&str>,
        project: Option<&str>,
    ) -> Option<String> {
        let refuse = |what: &str, only: &Option<Slug>, asked: Option<&str>| {
            let (only, asked) = (only.as_ref()?, asked?);
            (only.as_str() != asked).then(|| {
                format!(
                    "this session is limited to the {what} `{only}`, and `{asked}` is outside of it; use \
                     `{only}`, or ask the user to change the limit"
                )
            })
        };
        refuse("organization", &self.organization, organization)
            .or_else(|| refuse("project", &self.project, project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence() -> Fence {
        Fence { organization: "acme".parse().ok(), project: "api".parse().ok() }
    }

    #[test]
    fn an_empty_fence_admits_everything() {
        assert!(Fence::none().admits_organization(&"acme".parse().unwrap()));
        assert!(Fence::none().admits_project("17"));
    }

    #[test]
    fn a_fence_admits_only_what_it_names() {
        assert!(fence().admits_organization(&"acme".parse().unwrap()));
        assert!(!fence().admits_organization(&"other".parse().unwrap()));
        assert!(!fence().admits_organization(&"ACME".parse().unwrap()));
        assert!(fence().admits_project("api"));
        assert!(!fence().admits_project("17"));
    }

    #[test]
    fn a_refusal_names_both_sides() {
        let text = fence().refusal(Some("other"), None).unwrap();
        assert!(text.contains("`acme`") && text.contains("`other`"), "{text}");
        assert!(fence().refusal(Some("acme"), Some("web")).is_some());
        assert_eq!(fence().refusal(Some("acme"), Some("api")), None);
        assert_eq!(fence().refusal(None, None), None);
    }
}
