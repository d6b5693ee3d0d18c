use std::fmt;
use std::time::Duration;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::{Permissions, Principal, PrincipalKind};

use super::Auth;
use crate::audit::{Action, Event};
use crate::codes::{
    CREDENTIALS_REFUSED, HASHING_FAILED, PASSWORD_TOO_LONG, REFRESH_REUSED, REFRESH_SUPERSEDED,
    USER_CHANGED,
};
use crate::lockout::{Path, Settled, locked_out};
use crate::passwords::Verdict;
use crate::store::{
    Affected, Change, Ends, Seen, Session, Step, session_ended as ended, superseded,
};
use crate::tokens::{Id, Refresh, SessionClaims};
use crate::{Grant, Passwords, Source, User, users};

/// A session's tokens, and who they are for. `Debug` does not show the tokens.
#[derive(Clone)]
pub struct SignedIn {
    access: Secret<String>,
    refresh: Secret<String>,
    expires_in: Duration,
    principal: Principal,
}

impl SignedIn {
    /// What each request carries.
    #[must_use]
    pub fn access(&self) -> &Secret<String> {
        &self.access
    }

    /// What is exchanged for the next pair, once.
    #[must_use]
    pub fn refresh(&self) -> &Secret<String> {
        &self.refresh
    }

    /// How long the access token is good.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// Who signed in, and what they may do.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("principal", self.principal.id())
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// Signs in with name and password, and begins a session with whatever the user may do.
    ///
    /// Whether the name is unknown, the password wrong, or the user disabled, the answer is the same and so is the
    /// work: one hash. An attempt of an account or from a source that has to wait costs none, whether the name is
    /// anybody's or not.
    ///
    /// # Errors
    ///
    /// - [`CREDENTIALS_REFUSED`];
    /// - [`LOCKED_OUT`](crate::codes::LOCKED_OUT), with the wait;
    /// - [`PASSWORD_TOO_LONG`](crate::codes::PASSWORD_TOO_LONG);
    /// - [`HASHING_OVERLOADED`](crate::codes::HASHING_OVERLOADED): retryable, and no attempt;
    /// - those of the store: without it nobody signs in.
    pub async fn login(
        &self,
        name: &str,
        password: &Secret<String>,
        source: &Source,
    ) -> Result<SignedIn> {
        self.login_for(name, password, source, None).await
    }

    /// As [`login`](Self::login), for a session whose tokens may no more than `scopes`, nor more than the user.
    ///
    /// # Errors
    ///
    /// Those of [`login`](Self::login).
    pub async fn login_scoped(
        &self,
        name: &str,
        password: &Secret<String>,
        source: &Source,
        scopes: Permissions,
    ) -> Result<SignedIn> {
        self.login_for(name, password, source, Some(scopes)).await
    }

    async fn login_for(
        &self,
        name: &str,
        password: &Secret<String>,
        source: &Source,
        scopes: Option<Permissions>,
    ) -> Result<SignedIn> {
        let user = self.prove(name, password, source).await?;
        let now = self.now();
        let session = Session {
            id: Id::random()?,
            user: user.id,
            token: Id::random()?,
            generation: 0,
            epoch: user.epoch,
            scopes,
            created_at: now,
            rotated_at: now,
            expires_at: self.expiry(now, now),
            ended_at: None,
        };
        let done = self.pair(&user, &session)?;
        let target = String::from(session.id);
        let event = Event::new(Action::Login, Some(&done.principal), &target, source);
        let step = Step::from(Change::AddSession(session)).if_still([Seen::welcome(&user)]);
        match self.commit(event, step).await {
            // What was proved is worth nothing any more: disabled, deleted, or another password.
            Err(error) if error.code() == USER_CHANGED => {
                let target = user.id.to_string();
                let event = Event::new(Action::Login, None, &target, source);
                self.or_note(event, Err(refused())).await
            }
            committed => committed.map(|()| done),
        }
    }

    /// The user whose name and password these are: the one gate that every grant by password goes through.
    pub(super) async fn prove(
        &self,
        name: &str,
        password: &Secret<String>,
        source: &Source,
    ) -> Result<User> {
        Passwords::require_bounded(password)?;
        let known = match name.parse() {
            Ok(name) => self.0.store.user_named(&name).await?,
            Err(_) => None,
        };
        let account = known.as_ref().map_or_else(
            || self.0.pseudonyms.of_name(name),
            |user| self.0.pseudonyms.of_user(user.id),
        );
        let target = known.as_ref().map_or_else(
            || format!("name:{}", account.as_str()),
            |user| user.id.to_string(),
        );
        let epoch = known.as_ref().map_or(0, |user| user.epoch);
        let attempt = self.attempt(account, epoch, source, Path::Password);
        if let Some(until) = self.0.store.admit(&attempt).await? {
            return Err(locked_out(attempt.now, until));
        }
        let judged = self.judge(known, password, source).await;
        match &judged {
            Ok(Judged::Right(_)) => self.0.store.settle(&attempt, Settled::Success).await?,
            Ok(Judged::Wrong { .. }) => {}
            Err(_) => self.0.store.settle(&attempt, Settled::Withdrawn).await?,
        }
        self.sweep_if_due(attempt.now).await;
        match judged? {
            Judged::Right(user) => Ok(user),
            Judged::Wrong { known, why } => {
                // An attempt may have closed a gate, which holds at once.
                let affected = known.map_or(Affected::Nobody, |user| Affected::User(user.id));
                self.0.cache.forget(affected);
                let event = Event::new(Action::Login, None, &target, source);
                let why = why.unwrap_or_else(refused);
                self.commit(event.failed(&why), Change::Nothing).await?;
                Err(refused())
            }
        }
    }

    async fn judge(
        &self,
        known: Option<User>,
        password: &Secret<String>,
        source: &Source,
    ) -> Result<Judged> {
        let passwords = &self.0.passwords;
        let usable = known
            .as_ref()
            .map(|user| passwords.require_usable(&user.password));
        // A hash that cannot be used must not tell that there is a user: it costs and says what a wrong password does.
        let why = usable.and_then(Result::err);
        let hash = known
            .as_ref()
            .filter(|_| why.is_none())
            .map(|user| &user.password);
        let bcrypt = self.costliest_bcrypt().await?;
        let (verdict, why) = match passwords.judge(password, hash, bcrypt).await {
            Err(error) if error.code() == PASSWORD_TOO_LONG => (Verdict::Wrong, why),
            // Nor must a hash that cannot be computed.
            Err(error) if error.code() == HASHING_FAILED => (Verdict::Wrong, Some(error)),
            judged => (judged?, why),
        };
        match known {
            Some(user) if verdict != Verdict::Wrong && !user.disabled => {
                if verdict == Verdict::Obsolete {
                    self.renew(user.clone(), password, source).await;
                }
                Ok(Judged::Right(user))
            }
            known => Ok(Judged::Wrong { known, why }),
        }
    }

    /// Makes an obsolete hash anew. If that fails, the old one is still good, and the next login tries again.
    async fn renew(&self, mut user: User, password: &Secret<String>, source: &Source) {
        if let Ok(hash) = self.0.passwords.renew(password).await {
            user.password = hash;
            let (target, ends) = (user.id.to_string(), Ends::default());
            let event = Event::new(Action::RenewHash, None, &target, source);
            let change = Change::ReplaceUser { user, ends };
            let _ = self.commit(event, change).await;
        }
    }

    /// Exchanges a refresh token for the next pair of tokens.
    ///
    /// Each is good once. Of several requests with the same one at the same time one gets tokens, and the others are
    /// told so; when an old one comes later, it may have been stolen, and the session ends for whoever has it.
    ///
    /// # Errors
    ///
    /// - Those of [`Tokens::verify`](crate::Tokens::verify);
    /// - [`SESSION_ENDED`](crate::codes::SESSION_ENDED): signed out, revoked, expired, or the user is disabled;
    /// - [`REFRESH_SUPERSEDED`], [`REFRESH_REUSED`];
    /// - [`LOCKED_OUT`](crate::codes::LOCKED_OUT), with the wait;
    /// - those of the store.
    pub async fn refresh(&self, token: &str, source: &Source) -> Result<SignedIn> {
        let token = self.0.tokens.read_refresh(token)?;
        let (session, user) = self.open_session(&token).await?;
        let who = self.principal(&user, session.scopes.as_ref())?;
        // Before anything else that could refuse it: whoever uses an old one may have stolen it, locked or not.
        if (token.id, token.generation) != (session.token, session.generation) {
            return self.superseded(&token, &who, source).await;
        }
        self.require_unlocked(&user, source, Path::Session).await?;
        let now = self.now();
        let mut next = session.clone();
        next.token = Id::random()?;
        next.expires_at = self.expiry(now, session.created_at);
        next.generation += 1;
        next.rotated_at = now;
        let done = self.pair(&user, &next)?;
        let target = String::from(session.id);
        let event = Event::new(Action::Refresh, Some(&who), &target, source);
        let change = Change::Rotate {
            session,
            next: next.token,
            expires_at: next.expires_at,
        };
        match self.commit(event, change).await {
            Err(error) if error.code() == REFRESH_SUPERSEDED => {
                self.superseded(&token, &who, source).await
            }
            committed => committed.map(|()| done),
        }
    }

    /// The session of a refresh token, and its user, if both are as they should be.
    async fn open_session(&self, token: &Refresh) -> Result<(Session, User)> {
        let session = self.0.store.session(token.session).await?;
        let session = session
            .filter(|session| session.ended_at.is_none())
            .ok_or_else(ended)?;
        let user = self.0.store.user(session.user).await?.ok_or_else(ended)?;
        let is_whose = token.subject == user.principal_id()?;
        let is_revoked = token.issued_at < self.0.store.revoked_before().await?;
        if !is_whose || user.disabled || user.epoch != session.epoch || is_revoked {
            return Err(ended());
        }
        Ok((session, user))
    }

    /// A refresh token that is not the last one of its session: at the same time as another request, or reused.
    async fn superseded(
        &self,
        token: &Refresh,
        who: &Principal,
        source: &Source,
    ) -> Result<SignedIn> {
        let session = self.0.store.session(token.session).await?;
        let session = session
            .filter(|session| session.ended_at.is_none())
            .ok_or_else(ended)?;
        let is_last = token.generation.checked_add(1) == Some(session.generation);
        let age = self.now().saturating_sub(session.rotated_at);
        if is_last && age < self.0.settings.grace {
            return Err(superseded());
        }
        let reused = Error::new(REFRESH_REUSED, "the token was exchanged before");
        let target = String::from(session.id);
        let event = Event::new(Action::RefreshReused, Some(who), &target, source);
        let change = Change::EndSession {
            id: session.id,
            user: Some(session.user),
        };
        self.commit(event.failed(&reused), change).await?;
        Err(reused)
    }

    /// Ends the session of a refresh token, so that none of its tokens is good any more.
    ///
    /// # Errors
    ///
    /// Those of [`Tokens::verify`](crate::Tokens::verify) and of the store. A session that has ended is no error.
    pub async fn logout(&self, refresh: &str, source: &Source) -> Result<()> {
        let token = self.0.tokens.read_refresh(refresh)?;
        let change = Change::EndSession {
            id: token.session,
            user: users::id_of(&token.subject),
        };
        let who = Principal::new(PrincipalKind::User, token.subject);
        let target = String::from(token.session);
        let event = Event::new(Action::Logout, Some(&who), &target, source);
        self.commit(event, change).await
    }

    fn expiry(&self, now: u64, began: u64) -> u64 {
        let longest = began.saturating_add(self.0.settings.session);
        now.saturating_add(self.0.settings.refresh).min(longest)
    }

    /// Who the user is, and what a session with these scopes may do.
    pub(super) fn principal(&self, user: &User, scopes: Option<&Permissions>) -> Result<Principal> {
        let all = self.0.roles.permissions(&user.role);
        let who = Principal::new(PrincipalKind::User, user.principal_id()?);
        Ok(match scopes {
            None => who.permissions(all.iter().cloned()),
            Some(scopes) => who.permissions(all.intersection(scopes).cloned()),
        })
    }

    fn pair(&self, user: &User, session: &Session) -> Result<SignedIn> {
        let all = self.0.roles.permissions(&user.role);
        let within = |one: &&_| {
            session
                .scopes
                .as_ref()
                .is_none_or(|scopes| scopes.contains(*one))
        };
        let id = user.principal_id()?;
        let permitted = all.iter().filter(within).cloned();
        let grant = permitted.fold(Grant::new(id.clone()), Grant::permit);
        let claims = SessionClaims {
            session: session.id,
            epoch: user.epoch,
        };
        let refresh = Refresh {
            id: session.token,
            subject: id,
            session: session.id,
            generation: session.generation,
            issued_at: session.rotated_at,
        };
        if session.expires_at <= session.rotated_at {
            return Err(ended());
        }
        let left = session.expires_at - session.rotated_at;
        let lifetime = Duration::from_secs(self.0.settings.access.min(left));
        Ok(SignedIn {
            access: self.0.tokens.issue_access(&grant, lifetime, Some(claims))?,
            refresh: self.0.tokens.issue_refresh(&refresh, session.expires_at)?,
            expires_in: lifetime,
            principal: self.principal(user, session.scopes.as_ref())?,
        })
    }
}

/// What became of a name and a password.
enum Judged {
    Right(User),
    Wrong {
        /// The user of that name, if there is one.
        known: Option<User>,
        /// Why the hash could not be used, for the audit.
        why: Option<Error>,
    },
}

fn refused() -> Error {
    Error::new(CREDENTIALS_REFUSED, "name or password are wrong")
}
