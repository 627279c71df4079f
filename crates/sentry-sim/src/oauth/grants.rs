//! Codes and tokens that were issued, in memory. Knows no HTTP and no form.

use std::collections::HashMap;

use crate::{
    auth::{Identity, Scopes, Unauthenticated},
    data::hex_id,
    oauth::OAuthUser,
};

/// How long a code can be redeemed, in seconds; Sentry's ten minutes.
const CODE_SECONDS: i64 = 600;

/// What a person approved, waiting under a code.
#[derive(Clone, Debug)]
pub(super) struct Approval {
    pub(super) user: OAuthUser,
    pub(super) scopes: Vec<&'static str>,
    pub(super) redirect_uri: String,
    /// The S256 challenge, if the client sent one.
    pub(super) challenge: Option<String>,
}

/// An access token with its refresh token.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) user: OAuthUser,
    pub(super) scopes: Scopes,
    /// Seconds since the Unix epoch.
    pub(super) expires_at: i64,
}

#[derive(Debug, Default)]
pub(super) struct Grants {
    codes: HashMap<String, (Approval, i64)>,
    /// By access token.
    tokens: HashMap<String, Issued>,
    /// Access tokens by refresh token.
    refresh: HashMap<String, String>,
    /// How many codes and tokens were made: their names follow from it.
    made: u64,
}

impl Grants {
    pub(super) fn issue_code(&mut self, approval: Approval, now: i64) -> String {
        let code = self.name("code");
        self.codes.insert(code.clone(), (approval, now + CODE_SECONDS));
        code
    }

    /// The approval under a code that is in time; whatever it was, the code is gone.
    pub(super) fn redeem(&mut self, code: &str, now: i64) -> Option<Approval> {
        self.codes.remove(code).filter(|(_, until)| now < *until).map(|(approval, _)| approval)
    }

    pub(super) fn issue(&mut self, user: OAuthUser, scopes: Scopes, expires_at: i64) -> Issued {
        let issued = Issued {
            access: format!("sntrya_{}", self.name("access token")),
            refresh: self.name("refresh token"),
            user,
            scopes,
            expires_at,
        };
        self.refresh.insert(issued.refresh.clone(), issued.access.clone());
        self.tokens.insert(issued.access.clone(), issued.clone());
        issued
    }

    /// Takes back what belongs to a refresh token: the caller issues the successor.
    pub(super) fn take(&mut self, refresh: &str) -> Option<Issued> {
        let access = self.refresh.remove(refresh)?;
        self.tokens.remove(&access)
    }

    pub(super) fn identity(&self, access: &str, now: i64) -> Result<Identity, Unauthenticated> {
        let issued = self.tokens.get(access).ok_or(Unauthenticated::Invalid)?;
        if issued.expires_at <= now {
            return Err(Unauthenticated::Expired);
        }
        Ok(Identity { user: issued.user.id(), scopes: issued.scopes.clone() })
    }

    pub(super) fn expire_all(&mut self) {
        for issued in self.tokens.values_mut() {
            issued.expires_at = 0;
        }
    }

    pub(super) fn revoke_all(&mut self) {
        self.codes.clear();
        self.tokens.clear();
        self.refresh.clear();
    }

    /// Repeatable on purpose, like everything here: these open nothing but this simulation.
    fn name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!(
            "{}{}",
            hex_id(&format!("{kind} {}", self.made)),
            hex_id(&format!("{} {kind}", self.made))
        )
    }
}
