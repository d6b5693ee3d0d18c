use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use super::Price;
use crate::{Bucket, TokenUsage};

/// The price of each bucket that has one of its own.
///
/// A bucket without a price of its own takes that of the bucket it is a part of, where providers bill it so:
/// cached text bills as input, cached sound as sound, and reasoning as output. Sound and images have no such fallback: without a
/// price they are unpriced, because providers charge several times the text rate for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    own: [Option<Price>; Bucket::ALL.len()],
}

impl Prices {
    /// What one unit of the bucket costs, with the fallbacks described above.
    #[must_use]
    pub fn price(&self, bucket: Bucket) -> Option<Price> {
        let own = |bucket| self.own(bucket);
        own(bucket).or_else(|| match bucket {
            Bucket::CacheRead | Bucket::CacheWrite5m => own(Bucket::Input),
            Bucket::CacheWrite1h => own(Bucket::CacheWrite5m).or_else(|| own(Bucket::Input)),
            Bucket::CacheReadAudio => own(Bucket::InputAudio),
            Bucket::Reasoning => own(Bucket::Output),
            Bucket::Input
            | Bucket::InputAudio
            | Bucket::InputImage
            | Bucket::Output
            | Bucket::OutputAudio
            | Bucket::WebSearches
            | Bucket::Requests => None,
        })
    }

    /// The bucket's own price, without fallbacks.
    #[must_use]
    pub fn own(&self, bucket: Bucket) -> Option<Price> {
        self.own[bucket.index()]
    }

    /// The buckets that have prices of their own.
    pub fn iter(&self) -> impl Iterator<Item = (Bucket, Price)> {
        Bucket::ALL
            .into_iter()
            .filter_map(|bucket| Some((bucket, self.own(bucket)?)))
    }

    /// Each price made another, such as by a discount.
    ///
    /// # Errors
    ///
    /// The first that `make` gives.
    pub fn try_map<E>(&self, make: impl Fn(Bucket, Price) -> Result<Price, E>) -> Result<Self, E> {
        self.iter()
            .map(|(bucket, price)| Ok((bucket, make(bucket, price)?)))
            .collect()
    }
}

impl FromIterator<(Bucket, Price)> for Prices {
    fn from_iter<I: IntoIterator<Item = (Bucket, Price)>>(prices: I) -> Self {
        let mut own = [None; Bucket::ALL.len()];
        for (bucket, price) in prices {
            own[bucket.index()] = Some(price);
        }
        Self { own }
    }
}

/// What holds for prompts above a length. It reprices the whole request, not only what is above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextTier {
    /// The prompt's length in tokens, from any cache or none.
    pub above: u64,
    /// Whether a prompt of exactly that length counts as above.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// The prices, all of them.
    pub usd_per_million: Prices,
}

/// What a model costs from a certain day on, per bucket and by the length of the prompt.
///
/// ```
/// use lattice_lock_providers::{Bucket, ContextTier, Price, PriceList, TokenUsage};
///
/// let list = PriceList::new([
///     (Bucket::Input, Price::per_million("1.25")?),
///     (Bucket::Output, Price::per_million("10")?),
/// ]);
/// assert_eq!(list.price(Bucket::Reasoning), Some(Price::per_million("10")?));
/// assert_eq!(list.price(Bucket::InputAudio), None);
///
/// let long = ContextTier {
///     above: 200_000,
///     at_least: false,
///     usd_per_million: [(Bucket::Input, Price::per_million("2.5")?)].into_iter().collect(),
/// };
/// let list = list.with_tiers([long]);
/// let usage = TokenUsage::new().with(Bucket::Input, 150_000).with(Bucket::CacheRead, 50_001);
/// assert_eq!(list.prices_for(&usage).price(Bucket::Input), Some(Price::per_million("2.5")?));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList {
    base: Prices,
    tiers: Vec<ContextTier>,
}

impl PriceList {
    /// A list with these prices for prompts of any length; of a bucket that stands twice the last one counts.
    #[must_use]
    pub fn new(prices: impl IntoIterator<Item = (Bucket, Price)>) -> Self {
        Self {
            base: prices.into_iter().collect(),
            tiers: Vec::new(),
        }
    }

    /// Sets what holds for longer prompts, in any order.
    #[must_use]
    pub fn with_tiers(mut self, tiers: impl IntoIterator<Item = ContextTier>) -> Self {
        self.tiers = tiers.into_iter().collect();
        self.tiers.sort_by_key(|tier| tier.above);
        self
    }

    /// What one unit of the bucket costs in a short prompt, with the fallbacks of [`Prices`].
    #[must_use]
    pub fn price(&self, bucket: Bucket) -> Option<Price> {
        self.base.price(bucket)
    }

    /// The prices for short prompts.
    #[must_use]
    pub fn base(&self) -> &Prices {
        &self.base
    }

    /// What holds for longer prompts, the shortest first.
    #[must_use]
    pub fn tiers(&self) -> &[ContextTier] {
        &self.tiers
    }

    /// The prices that hold for a usage, by the length of its prompt. Where a provider gave only a total, all of it
    /// might be prompt and the dearer tier is taken: what is unexplained is not given away. Without any tokens, such as
    /// where only searches were counted, there was no prompt.
    #[must_use]
    pub fn prices_for(&self, usage: &TokenUsage) -> &Prices {
        if self.tiers.is_empty() {
            return &self.base;
        }
        let mut tokens = usage.reported().filter(|(bucket, _)| bucket.is_tokens());
        let has_tokens = tokens.next().is_some() || usage.total().reported().is_some();
        let longest = if has_tokens { u64::MAX } else { 0 };
        let prompt = usage.prompt_tokens().unwrap_or(longest);
        let reached =
            |tier: &&ContextTier| prompt > tier.above || (tier.at_least && prompt == tier.above);
        let tier = self.tiers.iter().rev().find(reached);
        tier.map_or(&self.base, |tier| &tier.usd_per_million)
    }
}

impl Serialize for Prices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (bucket, price) in self.iter() {
            map.serialize_entry(bucket.as_str(), &price)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PricesVisitor)
    }
}

struct PricesVisitor;

impl<'de> Visitor<'de> for PricesVisitor {
    type Value = Prices;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from bucket names to prices")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Prices, A::Error> {
        let mut prices = Prices::default();
        while let Some((bucket, price)) = map.next_entry::<Bucket, Price>()? {
            if prices.own[bucket.index()].replace(price).is_some() {
                return Err(A::Error::custom("a bucket stands twice"));
            }
        }
        Ok(prices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(usd: &str) -> Price {
        Price::per_million(usd).unwrap()
    }

    fn tier(above: u64, at_least: bool, usd: &str) -> ContextTier {
        ContextTier {
            above,
            at_least,
            usd_per_million: [(Bucket::Input, price(usd))].into_iter().collect(),
        }
    }

    fn check(usage: TokenUsage, usd: &str) {
        let list = PriceList::new([(Bucket::Input, price("1"))])
            .with_tiers([tier(200, true, "3"), tier(100, false, "2")]);
        let found = list.prices_for(&usage).price(Bucket::Input);
        assert_eq!(found, Some(price(usd)), "{usage:?}");
    }

    #[test]
    fn the_whole_prompt_takes_the_price_of_its_length() {
        let of = |input: u64| TokenUsage::new().with(Bucket::Input, input);
        check(of(0), "1");
        check(of(100), "1");
        check(of(101), "2");
        check(of(199), "2");
        check(of(200), "3");
        check(of(90).with(Bucket::CacheRead, 11), "2");
        check(of(90).with(Bucket::Output, 1_000), "1");
        check(TokenUsage::new().with_total(5), "3");
        check(TokenUsage::new().with(Bucket::Output, 5), "3");
        check(of(90).with(Bucket::CacheRead, u64::MAX), "3");
    }

    #[test]
    fn what_is_counted_without_any_tokens_had_no_prompt() {
        check(TokenUsage::new().with(Bucket::WebSearches, 300), "1");
        check(TokenUsage::new().with(Bucket::Requests, 1), "1");
        check(TokenUsage::new(), "1");
        check(
            TokenUsage::new().with(Bucket::WebSearches, 3).with_total(5),
            "3",
        );
    }
}
