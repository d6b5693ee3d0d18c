use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::{Attribution, PrincipalId, PrincipalKind};
use lattice_lock_providers::{ModelName, ModelRef, ServiceTier, TokenUsage};
use lattice_lock_repository::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::kind::{EntryKind, Outcome, Subject};
use crate::codes::OUT_OF_RANGE;
use crate::{Cost, Discount, ForeignAmount, Money};

/// What an entry says; its hash tells a replay from a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fact {
    pub(crate) subject: Subject,
    pub(crate) kind: EntryKind,
    pub(crate) revision: u16,
    pub(crate) reason: Option<String>,
    pub(crate) principal: PrincipalId,
    pub(crate) principal_kind: PrincipalKind,
    pub(crate) attribution: Arc<Attribution>,
    pub(crate) conversation: Option<String>,
    pub(crate) requested: ModelRef,
    pub(crate) served: Option<ModelName>,
    pub(crate) provider_request_id: Option<String>,
    pub(crate) task_type: Option<String>,
    pub(crate) service_tier: ServiceTier,
    pub(crate) usage: TokenUsage,
    pub(crate) discount: Discount,
    pub(crate) cost: Cost,
    pub(crate) foreign: Option<ForeignAmount>,
    pub(crate) effect: Effect,
    pub(crate) outcome: Outcome,
    pub(crate) latency_us: Option<i64>,
    pub(crate) occurred_at: Timestamp,
}

/// By how much an entry changes the totals. That of an entry is its cost; that of a correction is the difference from
/// what it corrects, so that the sum over all entries is the sum over their last revisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) amount: Money,
    pub(crate) unpriced: i8,
}

impl Effect {
    pub(crate) fn of(cost: &Cost) -> Self {
        Self {
            amount: cost.amount().unwrap_or_default(),
            unpriced: cost.amount().is_none().into(),
        }
    }

    /// From one cost to another.
    pub(crate) fn between(before: &Cost, after: &Cost) -> Result<Self> {
        let (before, after) = (Self::of(before), Self::of(after));
        let amount = after.amount.checked_sub(before.amount);
        Ok(Self {
            amount: amount.ok_or_else(|| Error::new(OUT_OF_RANGE, "correction out of range"))?,
            unpriced: after.unpriced - before.unpriced,
        })
    }
}

/// The version of the hash that is made now. Rows keep the version that made theirs.
const HASH_VERSION: &str = "1";

impl Fact {
    /// A version, a colon, and the SHA-256 of all that it says, in hexadecimal.
    pub(crate) fn hash(&self) -> String {
        // Serialising plain data of strings and integers into memory does not fail.
        let mut text = Vec::with_capacity(1024);
        let _ = serde_json::to_writer(&mut text, self);
        let digest = Sha256::digest(&text);
        let mut hash = String::with_capacity(2 + 64);
        hash.push_str(HASH_VERSION);
        hash.push(':');
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        for byte in digest {
            hash.extend([digit(byte >> 4), digit(byte & 15)]);
        }
        hash
    }
}

/// Whether a hash is of a version that is known here.
#[cfg(feature = "__sql")]
pub(crate) fn is_known(hash: &str) -> bool {
    hash.split_once(':')
        .is_some_and(|(version, _)| version == HASH_VERSION)
}
