//! Who a caller is and what they may do.

use crate::{AuthConfig, Millis, RawJson, TaskId};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A permission, as tokens name it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word used in tokens.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

scopes! {
    /// Create tasks.
    TaskCreate = "task:create",
    /// Change, delete and import tasks.
    TaskManage = "task:manage",
    /// Answer what a blocked task asks.
    TaskResolve = "task:resolve",
    /// Signal tasks (no route asks for it yet; tokens may carry it).
    TaskSignal = "task:signal",
    /// Publish events.
    EventPublish = "event:publish",
    /// Read tasks and follow their events.
    EventSubscribe = "event:subscribe",
    /// Read past events and archives.
    EventHistory = "event:history",
    /// Attach webhooks to tasks.
    WebhookCreate = "webhook:create",
    /// Take tasks as a worker.
    WorkerConnect = "worker:connect",
    /// Manage workers.
    WorkerManage = "worker:manage",
    /// Read metrics.
    MetricsRead = "metrics:read",
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a scope")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .iter()
            .copied()
            .find(|scope| scope.as_str() == word)
            .ok_or(UnknownScope)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// No scope at all.
    pub const NONE: Self = Self(0);
    /// Every scope, now and later: what `*` grants.
    pub const EVERY: Self = Self(u16::MAX);

    /// The set that a list of words grants. `*` grants everything; a word that names no scope
    /// grants nothing.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().fold(Self::NONE, |set, word| match word {
            "*" => Self::EVERY,
            _ => word.parse().map_or(set, |scope| set.with(scope)),
        })
    }

    /// The set with one scope more.
    #[must_use]
    pub fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    /// Whether the set holds a scope.
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }
}

/// Which tasks an identity may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskScope {
    /// Every task.
    All,
    /// Only these. Names that can be no task id were left out: they match no task.
    Only(HashSet<TaskId>),
}

impl TaskScope {
    /// Whether a task is among them.
    #[must_use]
    pub fn contains(&self, id: &TaskId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(id),
        }
    }
}

/// Who a caller is, as an authenticator found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The subject, when the credentials name one.
    pub subject: Option<Box<str>>,
    /// The tasks it may touch.
    pub tasks: TaskScope,
    /// What it may do.
    pub scopes: Scopes,
    /// When the credentials end, leeway included: streams end then too.
    pub expires_at: Option<Millis>,
    /// The claims of the token as a JSON object, for rules in a task's `authConfig`.
    pub claims: Option<RawJson>,
}

/// A caller who may not do what they asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Forbidden")]
pub struct Denied;

impl Identity {
    /// Somebody who may do everything: auth mode `none`.
    #[must_use]
    pub fn anyone() -> Self {
        Self {
            subject: None,
            tasks: TaskScope::All,
            scopes: Scopes::EVERY,
            expires_at: None,
            claims: None,
        }
    }

    /// Checks a permission that concerns no particular task.
    ///
    /// # Errors
    /// [`Denied`] without the scope.
    pub fn check(&self, scope: Scope) -> Result<(), Denied> {
        if self.scopes.contains(scope) {
            Ok(())
        } else {
            Err(Denied)
        }
    }

    /// Checks a permission on one task, before the task is looked up.
    ///
    /// # Errors
    /// [`Denied`] without the scope, or when the task is not among the identity's tasks.
    pub fn check_task(&self, scope: Scope, id: &TaskId) -> Result<(), Denied> {
        if self.tasks.contains(id) {
            self.check(scope)
        } else {
            Err(Denied)
        }
    }

    /// Checks the rules of a task that was found, on top of [`check_task`](Self::check_task).
    ///
    /// # Errors
    /// [`Denied`] when a rule applies to the scope and does not hold.
    pub fn check_rules(&self, scope: Scope, rules: Option<&AuthConfig>) -> Result<(), Denied> {
        let holds = rules.is_none_or(|config| config.allows(scope, self));
        if holds { Ok(()) } else { Err(Denied) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_grant_what_they_name_and_nothing_else() {
        let some = Scopes::from_words(["task:create", "nonsense", "event:publish"]);
        for scope in Scope::ALL {
            let named = matches!(scope, Scope::TaskCreate | Scope::EventPublish);
            assert_eq!(some.contains(*scope), named, "{scope}");
            assert!(Scopes::from_words(["*"]).contains(*scope));
            assert_eq!(scope.as_str().parse(), Ok(*scope));
        }
    }

    #[test]
    fn an_identity_limited_to_tasks_touches_only_them() {
        let a = TaskId::new("a").unwrap();
        let only = Identity {
            tasks: TaskScope::Only([a.clone()].into()),
            ..Identity::anyone()
        };
        assert_eq!(only.check_task(Scope::TaskManage, &a), Ok(()));
        assert_eq!(
            only.check_task(Scope::TaskManage, &TaskId::new("ab").unwrap()),
            Err(Denied)
        );
        let weak = Identity {
            scopes: Scopes::NONE,
            ..only
        };
        assert_eq!(weak.check_task(Scope::TaskManage, &a), Err(Denied));
    }
}
