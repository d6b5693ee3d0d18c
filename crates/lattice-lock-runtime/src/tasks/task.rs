use std::borrow::Cow;
use std::time::Duration;

/// What a task is called, and how long it may take. A plain name will do where a `Task` is asked for.
///
/// ```
/// use std::time::Duration;
///
/// use lattice_lock_runtime::Task;
///
/// let task = Task::named("flush").timeout(Duration::from_secs(2));
/// assert_eq!(task.name(), "flush");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    name: Cow<'static, str>,
    timeout: Option<Duration>,
}

impl Task {
    /// A task of this name, with the timeout of its owner. Names need not be unique.
    #[must_use]
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            timeout: None,
        }
    }

    /// How long it may run, waiting for a slot not included; as its owner says unless set.
    ///
    /// For a periodic task and for one that is restarted, it holds for each run. `Duration::MAX` is no limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn into_parts(self) -> (Cow<'static, str>, Option<Duration>) {
        (self.name, self.timeout)
    }
}

impl From<&'static str> for Task {
    fn from(name: &'static str) -> Self {
        Self::named(name)
    }
}

impl From<String> for Task {
    fn from(name: String) -> Self {
        Self::named(name)
    }
}

impl From<Cow<'static, str>> for Task {
    fn from(name: Cow<'static, str>) -> Self {
        Self::named(name)
    }
}
