use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One kind of thing that a provider counts. The buckets never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Bucket {
    /// Text tokens of the prompt that came from no cache.
    Input,
    /// Tokens of the prompt that were read from the provider's cache.
    CacheRead,
    /// Tokens of the prompt written to the cache for five minutes.
    #[serde(rename = "cache_write_5m")]
    CacheWrite5m,
    /// Tokens of the prompt written to the cache for an hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Audio tokens of the prompt that came from no cache.
    InputAudio,
    /// Audio tokens of the prompt that were read from the provider's cache, where it counts them apart.
    CacheReadAudio,
    /// Image tokens of the prompt, where the provider counts them apart.
    InputImage,
    /// Tokens of the visible reply.
    Output,
    /// Tokens that the model thought and did not say.
    Reasoning,
    /// Audio tokens of the reply.
    OutputAudio,
    /// Web searches made for the reply.
    WebSearches,
    /// Requests, where the provider charges for each.
    Requests,
}

impl Bucket {
    /// Every bucket, in declaration order.
    pub const ALL: [Self; 12] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::InputAudio,
        Self::CacheReadAudio,
        Self::InputImage,
        Self::Output,
        Self::Reasoning,
        Self::OutputAudio,
        Self::WebSearches,
        Self::Requests,
    ];

    /// The name used in files and tables, such as `cache_write_5m`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::InputAudio => "input_audio",
            Self::CacheReadAudio => "cache_read_audio",
            Self::InputImage => "input_image",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::OutputAudio => "output_audio",
            Self::WebSearches => "web_searches",
            Self::Requests => "requests",
        }
    }

    /// Whether it counts tokens, and so belongs to the provider's total.
    #[must_use]
    pub const fn is_tokens(self) -> bool {
        !matches!(self, Self::WebSearches | Self::Requests)
    }

    /// Whether it counts tokens of the prompt.
    #[must_use]
    pub const fn is_prompt(self) -> bool {
        match self {
            Self::Input
            | Self::CacheRead
            | Self::CacheWrite5m
            | Self::CacheWrite1h
            | Self::InputAudio
            | Self::CacheReadAudio
            | Self::InputImage => true,
            Self::Output
            | Self::Reasoning
            | Self::OutputAudio
            | Self::WebSearches
            | Self::Requests => false,
        }
    }

    /// Where the bucket stands in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a provider said of one bucket. Nothing said is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Count {
    /// The provider said nothing.
    #[default]
    Absent,
    /// The provider said this many.
    Reported(u64),
}

impl Count {
    /// The number, if the provider gave one.
    #[must_use]
    pub const fn reported(self) -> Option<u64> {
        match self {
            Self::Reported(count) => Some(count),
            Self::Absent => None,
        }
    }
}

impl From<Option<u64>> for Count {
    fn from(count: Option<u64>) -> Self {
        count.map_or(Self::Absent, Self::Reported)
    }
}

/// What one attempt used, in buckets that never overlap, with the provider's own total beside them.
///
/// It serialises as a map from the names of the reported buckets to their counts, with `total` for the
/// provider's own.
///
/// ```
/// use lattice_lock_providers::{Bucket, Count, TokenUsage};
///
/// let usage = TokenUsage::new()
///     .with(Bucket::Input, 80)
///     .with(Bucket::CacheRead, 20)
///     .with(Bucket::Output, 10)
///     .with_total(110);
/// assert_eq!(usage.tokens(), Some(110));
/// assert_eq!(usage.get(Bucket::Reasoning), Count::Absent);
/// assert_eq!(usage.residual(), Some(0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenUsage {
    counts: [Count; Bucket::ALL.len()],
    total: Count,
}

impl TokenUsage {
    /// A usage of which nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            counts: [Count::Absent; Bucket::ALL.len()],
            total: Count::Absent,
        }
    }

    /// Sets one bucket: a later word of the provider replaces an earlier one.
    #[must_use]
    pub fn with(mut self, bucket: Bucket, count: impl Into<Count>) -> Self {
        self.counts[bucket.index()] = count.into();
        self
    }

    /// Sets the total that the provider itself gave.
    #[must_use]
    pub fn with_total(mut self, total: impl Into<Count>) -> Self {
        self.total = total.into();
        self
    }

    /// What was said of one bucket.
    #[must_use]
    pub const fn get(&self, bucket: Bucket) -> Count {
        self.counts[bucket.index()]
    }

    /// The total that the provider itself gave.
    #[must_use]
    pub const fn total(&self) -> Count {
        self.total
    }

    /// The reported buckets with their counts.
    pub fn reported(&self) -> impl Iterator<Item = (Bucket, u64)> {
        Bucket::ALL
            .into_iter()
            .filter_map(|bucket| Some((bucket, self.get(bucket).reported()?)))
    }

    /// Whether nothing at all was reported.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.reported().next().is_none() && self.total == Count::Absent
    }

    /// The sum of the reported token buckets; `None` if none was reported or the sum leaves `u64`.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        let mut tokens = self.reported().filter(|(bucket, _)| bucket.is_tokens());
        let first = tokens.next()?.1;
        tokens.try_fold(first, |sum, (_, count)| sum.checked_add(count))
    }

    /// The length of the prompt: the sum of its reported buckets, from any cache or none; `None` if none was reported
    /// or the sum leaves `u64`.
    #[must_use]
    pub fn prompt_tokens(&self) -> Option<u64> {
        let mut prompt = self.reported().filter(|(bucket, _)| bucket.is_prompt());
        let first = prompt.next()?.1;
        prompt.try_fold(first, |sum, (_, count)| sum.checked_add(count))
    }

    /// How much larger the provider's total is than the sum of the buckets, negative if it is smaller;
    /// `None` where one of the two is unknown.
    #[must_use]
    pub fn residual(&self) -> Option<i128> {
        Some(i128::from(self.total.reported()?) - i128::from(self.tokens()?))
    }
}

impl From<u64> for Count {
    fn from(count: u64) -> Self {
        Self::Reported(count)
    }
}

impl Serialize for TokenUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (bucket, count) in self.reported() {
            map.serialize_entry(bucket.as_str(), &count)?;
        }
        if let Some(total) = self.total.reported() {
            map.serialize_entry("total", &total)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for TokenUsage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UsageVisitor)
    }
}

struct UsageVisitor;

impl<'de> Visitor<'de> for UsageVisitor {
    type Value = TokenUsage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from bucket names to counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TokenUsage, A::Error> {
        let mut usage = TokenUsage::new();
        while let Some((name, count)) = map.next_entry::<String, u64>()? {
            let known = Bucket::ALL
                .into_iter()
                .find(|bucket| bucket.as_str() == name);
            let place = match known {
                Some(bucket) => &mut usage.counts[bucket.index()],
                None if name == "total" => &mut usage.total,
                None => return Err(A::Error::custom("unknown bucket")),
            };
            if *place != Count::Absent {
                return Err(A::Error::custom("a bucket stands twice"));
            }
            *place = Count::Reported(count);
        }
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn index_and_name_agree_with_the_list_and_serde() {
        for (at, bucket) in Bucket::ALL.into_iter().enumerate() {
            assert_eq!(bucket.index(), at);
            assert_eq!(serde_json::to_value(bucket).unwrap(), bucket.as_str());
        }
    }

    #[test]
    fn nothing_reported_is_not_zero() {
        assert!(TokenUsage::new().is_absent());
        assert_eq!(TokenUsage::new().tokens(), None);
        assert_eq!(TokenUsage::new().with(Bucket::Input, 0).tokens(), Some(0));
        assert!(!TokenUsage::new().with_total(0).is_absent());
    }

    #[test]
    fn counted_units_are_not_tokens() {
        let usage = TokenUsage::new()
            .with(Bucket::Input, 5)
            .with(Bucket::WebSearches, 3);
        assert_eq!(usage.tokens(), Some(5));
    }

    #[test]
    fn a_sum_beyond_u64_is_unknown_and_not_wrapped() {
        let usage = TokenUsage::new()
            .with(Bucket::Input, u64::MAX)
            .with(Bucket::Output, 1);
        assert_eq!(usage.tokens(), None);
    }

    #[test]
    fn unknown_negative_and_duplicate_buckets_are_refused() {
        for text in [
            r#"{"inputs": 1}"#,
            r#"{"input": -1}"#,
            r#"{"input": 1, "input": 2}"#,
        ] {
            assert!(serde_json::from_str::<TokenUsage>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn json_and_back_is_the_same(counts in proptest::array::uniform11(proptest::option::of(any::<u64>())), total in proptest::option::of(any::<u64>())) {
            let usage = Bucket::ALL.into_iter().zip(counts)
                .fold(TokenUsage::new(), |usage, (bucket, count)| usage.with(bucket, count))
                .with_total(total);
            let json = serde_json::to_string(&usage).unwrap();
            prop_assert_eq!(serde_json::from_str::<TokenUsage>(&json).unwrap(), usage);
        }
    }
}
