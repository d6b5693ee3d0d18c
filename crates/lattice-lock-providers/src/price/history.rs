use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::PriceList;

/// Which edition of the prices made a cost, so that it can be computed again: `catalogue@first-day`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct PriceVersion(Arc<str>);

/// The longest name of a version, in characters.
const LONGEST_VERSION: usize = 256;

impl PriceVersion {
    /// A version of this name, such as one that a host gives to its own contract prices: its first 256
    /// characters, without control characters, so that every ledger can keep it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let plain = name.chars().filter(|c| !c.is_control());
        Self(plain.take(LONGEST_VERSION).collect::<String>().into())
    }

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PriceVersion {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<PriceVersion> for String {
    fn from(version: PriceVersion) -> Self {
        version.0.as_ref().into()
    }
}

impl fmt::Display for PriceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How urgently a provider serves a call, where it charges by that.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceTier {
    /// As every call is served unless something else is asked for.
    #[default]
    Standard,
    /// In a batch, within a day or so.
    Batch,
    /// When there is room.
    Flex,
    /// Before others.
    Priority,
    /// On the fastest machines that there are.
    Ultrafast,
    /// For short decisions only.
    Decisions,
}

impl ServiceTier {
    /// Every tier but the standard one.
    pub const SPECIAL: [Self; 5] = [
        Self::Batch,
        Self::Flex,
        Self::Priority,
        Self::Ultrafast,
        Self::Decisions,
    ];

    /// The tier's name, such as `batch`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Ultrafast => "ultrafast",
            Self::Decisions => "decisions",
        }
    }
}

impl fmt::Display for ServiceTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The prices of one model over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceHistory(Vec<Period>);

/// The prices from a day on, for each service tier that has some.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Period {
    from: Date,
    lists: BTreeMap<ServiceTier, (PriceVersion, PriceList)>,
}

impl PriceHistory {
    /// The lists of an edition, each from its first day on; the order does not matter.
    #[must_use]
    pub fn new(edition: &str, lists: impl IntoIterator<Item = (Date, PriceList)>) -> Self {
        let standard = |(from, list)| (from, BTreeMap::from([(ServiceTier::Standard, list)]));
        Self::with_services(edition, lists.into_iter().map(standard))
    }

    /// As [`new`](Self::new), with a list for each service tier that has prices of its own.
    #[must_use]
    pub fn with_services(
        edition: &str,
        periods: impl IntoIterator<Item = (Date, BTreeMap<ServiceTier, PriceList>)>,
    ) -> Self {
        let period = |(from, lists): (Date, BTreeMap<ServiceTier, PriceList>)| {
            let named = |(tier, list)| (tier, (version(edition, from, tier), list));
            let lists = lists.into_iter().map(named).collect();
            Period { from, lists }
        };
        let mut history: Vec<_> = periods.into_iter().map(period).collect();
        history.sort_by_key(|period| period.from);
        Self(history)
    }

    /// The list in force today (UTC, by this machine's clock), with its version.
    #[must_use]
    pub fn today(&self) -> Option<(&PriceVersion, &PriceList)> {
        self.on(jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date())
    }

    /// The list in force on a day (UTC), with its version.
    #[must_use]
    pub fn on(&self, day: Date) -> Option<(&PriceVersion, &PriceList)> {
        self.on_tier(day, ServiceTier::Standard)
    }

    /// The list in force on a day (UTC) for calls of a service tier, with its version. A tier without a list has no
    /// price: it does not fall back to the standard one.
    #[must_use]
    pub fn on_tier(&self, day: Date, tier: ServiceTier) -> Option<(&PriceVersion, &PriceList)> {
        let next = self.0.partition_point(|period| period.from <= day);
        let period = self.0.get(next.checked_sub(1)?)?;
        let (version, list) = period.lists.get(&tier)?;
        Some((version, list))
    }

    /// Whether there is no price at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each period's first day, with the lists of its service tiers, the earliest first.
    pub fn periods(
        &self,
    ) -> impl Iterator<Item = (Date, impl Iterator<Item = (ServiceTier, &PriceList)>)> {
        self.0.iter().map(|period| {
            let lists = period.lists.iter();
            (period.from, lists.map(|(tier, (_, list))| (*tier, list)))
        })
    }
}

/// `edition@from`, and `#tier` for any but the standard one.
fn version(edition: &str, from: Date, tier: ServiceTier) -> PriceVersion {
    match tier {
        ServiceTier::Standard => PriceVersion::new(&format!("{edition}@{from}")),
        tier => PriceVersion::new(&format!("{edition}@{from}#{tier}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bucket, Price};
    use jiff::civil::date;

    #[test]
    fn the_price_in_force_is_the_latest_that_has_begun() {
        let list = |usd| PriceList::new([(Bucket::Input, Price::per_million(usd).unwrap())]);
        let history = PriceHistory::new(
            "test",
            [(date(2026, 9, 1), list("3")), (date(2026, 1, 1), list("2"))],
        );
        let on = |day| {
            history
                .on(day)
                .map(|(version, list)| (version.to_string(), list.clone()))
        };
        assert_eq!(on(date(2025, 12, 31)), None);
        assert_eq!(
            on(date(2026, 8, 31)),
            Some(("test@2026-01-01".into(), list("2")))
        );
        assert_eq!(
            on(date(2026, 9, 1)),
            Some(("test@2026-09-01".into(), list("3")))
        );
    }

    #[test]
    fn a_service_tier_without_a_list_has_no_price() {
        let list = PriceList::new([(Bucket::Input, Price::per_million("1").unwrap())]);
        let lists = BTreeMap::from([(ServiceTier::Batch, list)]);
        let history = PriceHistory::with_services("v", [(date(2026, 1, 1), lists)]);
        let on = |tier| {
            let found = history.on_tier(date(2026, 1, 1), tier);
            found.map(|(version, _)| version.to_string())
        };
        assert_eq!(
            on(ServiceTier::Batch).as_deref(),
            Some("v@2026-01-01#batch")
        );
        assert_eq!(on(ServiceTier::Flex), None);
        assert_eq!(on(ServiceTier::Standard), None);
    }

    #[test]
    fn names_agree_with_serde() {
        for tier in ServiceTier::SPECIAL {
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
        }
    }
}
