//! What each write means, apart from where it is kept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codes::{ENTRY_ARCHIVED, ENTRY_CONFLICT, NOTHING_TO_CORRECT};
use crate::entry::{Effect, Subject};
use crate::{AttemptId, Entry, EntryKind, InstanceId, Intent, Outcome, Position};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Item {
    Intend(Intent),
    Record {
        #[serde(with = "parts")]
        entry: Box<Stamped>,
        next: Option<Intent>,
    },
    Withdraw {
        attempt: AttemptId,
        next: Option<Intent>,
    },
    /// Whoever opened the intent will not end it.
    Abandon {
        attempt: AttemptId,
        instance: InstanceId,
    },
    /// The intent is not wanted, if it is of this instance.
    TakeBack {
        attempt: AttemptId,
        instance: InstanceId,
    },
    /// The process is alive.
    Renew,
}

impl Item {
    /// The intent of the attempt that is about to be sent because of it.
    #[cfg(feature = "__sql")]
    pub(super) fn begins(&self) -> Option<&Intent> {
        match self {
            Self::Intend(intent) => Some(intent),
            Self::Record { next, .. } | Self::Withdraw { next, .. } => next.as_ref(),
            Self::Abandon { .. } | Self::TakeBack { .. } | Self::Renew => None,
        }
    }

    /// The attempt that is not under way any more because of it.
    #[cfg(feature = "__sql")]
    pub(super) fn ends(&self) -> Option<AttemptId> {
        match self {
            Self::Record { entry, .. } => entry.attempt(),
            Self::Withdraw { attempt, .. }
            | Self::Abandon { attempt, .. }
            | Self::TakeBack { attempt, .. } => Some(*attempt),
            Self::Intend(_) | Self::Renew => None,
        }
    }

    /// The same, with what follows as a write of its own, which is done also where the first one is refused.
    #[cfg(feature = "__sql")]
    pub(super) fn apart(mut self) -> [Option<Self>; 2] {
        let next = match &mut self {
            Self::Record { next, .. } | Self::Withdraw { next, .. } => next.take(),
            Self::Intend(_) | Self::Abandon { .. } | Self::TakeBack { .. } | Self::Renew => None,
        };
        [Some(self), next.map(Self::Intend)]
    }

    /// The attempt whose outcome it says: a correction says that of none that is under way.
    pub(super) fn books(&self) -> Option<AttemptId> {
        match self {
            Self::Record { entry, .. } if entry.revision() == 0 => entry.attempt(),
            _ => None,
        }
    }

    /// Does what can be done before it is this write's turn, where it keeps nobody waiting.
    #[cfg(feature = "__sql")]
    pub(super) fn prepare(&self) {
        if let Self::Record { entry, .. } = self {
            entry.hash.get_or_init(|| entry.payload_hash());
        }
    }
}

/// An entry as it is tried to be written. It does not change any more, so that its hash is made once.
#[derive(Clone, Debug)]
pub(super) struct Stamped {
    entry: Entry,
    hash: OnceLock<String>,
}

impl Stamped {
    pub(super) fn new(entry: Entry) -> Self {
        let hash = OnceLock::new();
        Self { entry, hash }
    }
}

impl Deref for Stamped {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

impl PartialEq for Stamped {
    fn eq(&self, other: &Self) -> bool {
        self.entry == other.entry
    }
}

impl Eq for Stamped {}

/// Entries are read back from where this crate wrote them, and from nowhere else: what somebody else writes could say
/// what no ledger keeps.
mod parts {
    use lattice_lock_repository::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Stamped;
    use crate::entry::Fact;
    use crate::{Entry, EntryId};

    #[derive(Deserialize)]
    struct Parts {
        id: EntryId,
        recorded_at: Timestamp,
        #[serde(flatten)]
        fact: Fact,
    }

    #[expect(clippy::borrowed_box, reason = "serde passes the field as it is")]
    pub(super) fn serialize<S: Serializer>(
        entry: &Box<Stamped>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        entry.entry.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<Stamped>, D::Error> {
        let Parts {
            id,
            recorded_at,
            fact,
        } = Parts::deserialize(deserializer)?;
        Ok(Box::new(Stamped::new(Entry {
            id,
            recorded_at,
            position: None,
            fact,
        })))
    }
}

/// What became of a write.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Noted,
    /// As noted; but the attempt that was to begin is booked.
    Over,
    Recorded {
        entry: Arc<Entry>,
        replayed: bool,
        /// Whether the attempt that was to follow is booked.
        #[cfg_attr(
            not(feature = "__sql"),
            expect(dead_code, reason = "without a database there are no leases to renew")
        )]
        is_over: bool,
    },
}

#[cfg(feature = "__sql")]
impl Done {
    /// Whether the attempt that was to begin is booked, and so is not under way.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over | Self::Recorded { is_over: true, .. })
    }
}

pub(super) type Revision = (Subject, u16);

/// What is known of the entries that some writes are about, and what the writes change. In memory it is all there is;
/// of a database it is what was read for a batch.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) entries: BTreeMap<Revision, Arc<Entry>>,
    pub(super) intents: BTreeMap<AttemptId, Intent>,
    /// The hashes of entries that are in archives, by their keys.
    pub(super) archived: HashMap<String, String>,
    pub(super) position: Position,
    pub(super) changes: Changes,
}

/// What a batch changed: to be written, intents that were closed first.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// With the hash, where it is known.
    pub(super) fresh: Vec<(Arc<Entry>, OnceLock<String>)>,
    pub(super) closed: Vec<AttemptId>,
    pub(super) taken_back: BTreeSet<(AttemptId, InstanceId)>,
    pub(super) opened: BTreeSet<AttemptId>,
    pub(super) abandoned: BTreeSet<(AttemptId, InstanceId)>,
}

impl Books {
    /// Does one write. One that is refused changes nothing.
    pub(super) fn apply(&mut self, item: &Item) -> Result<Done> {
        match item {
            Item::Renew => Ok(Done::Noted),
            Item::Intend(intent) => Ok(self.intended(Some(intent))),
            Item::Withdraw { attempt, next } => {
                self.close(*attempt);
                Ok(self.intended(next.as_ref()))
            }
            Item::Abandon { attempt, instance } => {
                self.abandon(*attempt, *instance);
                Ok(Done::Noted)
            }
            Item::TakeBack { attempt, instance } => {
                self.take_back(*attempt, *instance);
                Ok(Done::Noted)
            }
            Item::Record { entry, next } => {
                let (entry, replayed) = self.record(entry)?;
                if let Some(attempt) = entry.attempt() {
                    self.close(attempt);
                }
                let is_over = !self.intend(next.as_ref());
                Ok(Done::Recorded {
                    entry,
                    replayed,
                    is_over,
                })
            }
        }
    }

    fn intended(&mut self, intent: Option<&Intent>) -> Done {
        if self.intend(intent) {
            Done::Noted
        } else {
            Done::Over
        }
    }

    /// Opens an intent, if there is one to open, unless the attempt is booked: then it is false.
    fn intend(&mut self, intent: Option<&Intent>) -> bool {
        let Some(intent) = intent else { return true };
        let subject = Subject::Attempt(intent.attempt);
        if self.archived.contains_key(&subject.key(0)) || self.entries.contains_key(&(subject, 0)) {
            return false;
        }
        if let btree_map::Entry::Vacant(place) = self.intents.entry(intent.attempt) {
            place.insert(intent.clone());
            self.changes.opened.insert(intent.attempt);
        }
        true
    }

    pub(super) fn close(&mut self, attempt: AttemptId) {
        self.intents.remove(&attempt);
        self.changes.opened.remove(&attempt);
        self.changes.closed.push(attempt);
        // What is opened behind it was not given up.
        self.changes
            .abandoned
            .retain(|(given_up, _)| *given_up != attempt);
    }

    /// From now on it is nobody's, so that any recovery takes it.
    pub(super) fn abandon(&mut self, attempt: AttemptId, instance: InstanceId) {
        if let Some(intent) = self.intents.get_mut(&attempt)
            && intent.instance == Some(instance)
        {
            intent.instance = None;
        }
        self.changes.abandoned.insert((attempt, instance));
    }

    fn take_back(&mut self, attempt: AttemptId, instance: InstanceId) {
        let known = self.intents.get(&attempt);
        if known.is_some_and(|intent| intent.instance == Some(instance)) {
            self.intents.remove(&attempt);
            self.changes.opened.remove(&attempt);
        }
        self.changes.taken_back.insert((attempt, instance));
    }

    fn record(&mut self, entry: &Stamped) -> Result<(Arc<Entry>, bool)> {
        let revision = (entry.fact.subject.clone(), entry.fact.revision);
        let entry = self.with_effect(entry)?;
        match self.entries.get(&revision) {
            // Its own key is there when it was committed and nobody heard of it.
            Some(kept) if kept.fact == entry.fact => Ok((Arc::clone(kept), kept.id != entry.id)),
            Some(kept) if is_late(kept, &entry) => {
                let late = Stamped::new(self.late(kept, &entry));
                self.record(&late)
            }
            Some(kept) => Err(conflict(kept)),
            None => self.append(revision, &entry).map(|kept| (kept, false)),
        }
    }

    /// What really happened, as the next correction of what had to be assumed; the same one if it was booked already,
    /// for corrections of an assumption know no outcome. It stays in the same period.
    fn late(&self, assumed: &Entry, entry: &Entry) -> Entry {
        let subject = &assumed.fact.subject;
        let revisions = self
            .entries
            .range((subject.clone(), 1)..=(subject.clone(), u16::MAX));
        let revisions: Vec<_> = revisions.map(|(_, revision)| revision).collect();
        let known = revisions.iter().find(|it| it.outcome() != Outcome::Unknown);
        let last = revisions.last().map_or(0, |last| last.revision());
        let number = known.map_or(last.saturating_add(1), |late| late.revision());
        let mut late = entry.corrected("late");
        late.fact.revision = number;
        late.fact.occurred_at = assumed.fact.occurred_at;
        late
    }

    /// A correction's effect is the difference from what it corrects.
    fn with_effect<'a>(&self, entry: &'a Stamped) -> Result<Cow<'a, Stamped>> {
        let Some(before) = entry.fact.revision.checked_sub(1) else {
            return Ok(Cow::Borrowed(entry));
        };
        let before = (entry.fact.subject.clone(), before);
        let Some(corrected) = self.entries.get(&before) else {
            self.require_not_archived(&before)?;
            return Err(Error::new(NOTHING_TO_CORRECT, "no such entry")
                .with("entry", before.0.key(before.1)));
        };
        let mut entry = entry.entry.clone();
        entry.fact.effect = Effect::between(&corrected.fact.cost, &entry.fact.cost)?;
        Ok(Cow::Owned(Stamped::new(entry)))
    }

    fn append(&mut self, revision: Revision, entry: &Stamped) -> Result<Arc<Entry>> {
        self.require_not_archived(&revision)?;
        self.position = Position(self.position.0.saturating_add(1));
        let mut kept = entry.entry.clone();
        kept.position = Some(self.position);
        let kept = Arc::new(kept);
        self.entries.insert(revision, Arc::clone(&kept));
        let fresh = (Arc::clone(&kept), entry.hash.clone());
        self.changes.fresh.push(fresh);
        Ok(kept)
    }

    fn require_not_archived(&self, (subject, number): &Revision) -> Result<()> {
        let key = subject.key(*number);
        if self.archived.contains_key(&key) {
            return Err(Error::new(ENTRY_ARCHIVED, "the entry is archived").with("entry", key));
        }
        Ok(())
    }
}

/// Whether an outcome arrives after somebody had given the attempt up.
fn is_late(kept: &Entry, entry: &Entry) -> bool {
    kept.outcome() == Outcome::Unknown
        && kept.kind() == EntryKind::Usage
        && entry.kind() == EntryKind::Usage
        && entry.outcome() != Outcome::Unknown
}

fn conflict(kept: &Entry) -> Error {
    Error::new(ENTRY_CONFLICT, "it was booked with other figures")
        .with("entry", kept.idempotency_key())
}
