//! Prices with an arithmetic of their own.
//!
//! Integers of atto-USD and nothing of the ledger's decimals: a wrong rounding there is not made here, too.

use std::collections::BTreeMap;

use crate::{Error, Usage};

/// Atto-USD (10⁻¹⁸ USD) in one USD per million tokens, for one token.
const ATTO_PER_TOKEN: i128 = 1_000_000_000_000;

/// Decimal places that a price per million tokens may have: one atto-USD per token is the last of them.
const PLACES: usize = 12;

/// What one model costs, exact, in atto-USD (10⁻¹⁸ USD) per token.
///
/// Prices are decimals as texts, as providers print them: twelve places of a dollar per million tokens are one
/// atto-USD per token, and finer ones are refused rather than rounded.
///
/// A bucket without a rate of its own costs what [`per_million`](Self::per_million) gave for its side.
///
/// ```
/// use lattice_lock_testkit::{PriceList, Rates};
///
/// let haiku = Rates::per_million("1", "5")?.cache_read("0.1")?.cache_write("1.25", "2")?;
/// let prices = PriceList::new().model("claude-haiku-4-5-20251001", haiku);
/// # Ok::<(), lattice_lock_testkit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    input: i128,
    cache_read: i128,
    cache_write_5m: i128,
    cache_write_1h: i128,
    output: i128,
    reasoning: i128,
}

impl Rates {
    /// Prices in USD per million tokens, as decimals such as `"0.25"`.
    ///
    /// `"0"` is a price, for models that cost nothing. A sign, an exponent, a thousands separator and white space
    /// are none.
    ///
    /// ```
    /// use lattice_lock_testkit::Rates;
    ///
    /// assert!(Rates::per_million("0.000000000001", "0").is_ok()); // one atto-USD for a token
    /// assert!(Rates::per_million("0.0000000000001", "0").is_err()); // finer than can be told
    /// assert!(Rates::per_million("-1", "1e3").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Price`] for anything but digits with at most one point, more than twelve places, or more than
    /// nine digits before them.
    pub fn per_million(input: &str, output: &str) -> Result<Self, Error> {
        let (input, output) = (rate(input)?, rate(output)?);
        Ok(Self {
            input,
            cache_read: input,
            cache_write_5m: input,
            cache_write_1h: input,
            output,
            reasoning: output,
        })
    }

    /// Sets the price of reading from a cache, in USD per million tokens; the input's by default.
    ///
    /// ```
    /// use lattice_lock_testkit::Rates;
    ///
    /// let rates = Rates::per_million("2.50", "10")?.cache_read("1.25")?;
    /// assert_ne!(rates, Rates::per_million("2.50", "10")?);
    /// # Ok::<(), lattice_lock_testkit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`per_million`](Self::per_million).
    pub fn cache_read(mut self, price: &str) -> Result<Self, Error> {
        self.cache_read = rate(price)?;
        Ok(self)
    }

    /// Sets the prices of writing to a cache for five minutes and for an hour, in USD per million tokens; the
    /// input's by default.
    ///
    /// OpenAI's half hour has the price of the five minutes here, and its twelve hours that of the hour, as in
    /// [`Usage`].
    ///
    /// # Errors
    ///
    /// As [`per_million`](Self::per_million).
    pub fn cache_write(mut self, five_minutes: &str, hour: &str) -> Result<Self, Error> {
        self.cache_write_5m = rate(five_minutes)?;
        self.cache_write_1h = rate(hour)?;
        Ok(self)
    }

    /// Sets the price of hidden tokens, in USD per million tokens; the output's by default.
    ///
    /// Providers charge it as output, and so few tests need it; a price of its own shows whether a ledger tells the
    /// two apart.
    ///
    /// # Errors
    ///
    /// As [`per_million`](Self::per_million).
    pub fn reasoning(mut self, price: &str) -> Result<Self, Error> {
        self.reasoning = rate(price)?;
        Ok(self)
    }

    /// Cannot overflow: six products of a count below 2³² and a rate below 10²¹.
    pub(crate) fn atto_usd(&self, usage: &Usage) -> i128 {
        i128::from(usage.input) * self.input
            + i128::from(usage.cache_read) * self.cache_read
            + i128::from(usage.cache_write_5m) * self.cache_write_5m
            + i128::from(usage.cache_write_1h) * self.cache_write_1h
            + i128::from(usage.output) * self.output
            + i128::from(usage.reasoning) * self.reasoning
    }
}

/// Reads a price in USD per million tokens as atto-USD per token.
fn rate(text: &str) -> Result<i128, Error> {
    let refused = || Error::Price(text.to_owned());
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(whole, 9) || !is_digits(places, PLACES) {
        return Err(refused());
    }
    let whole: i128 = whole.parse().map_err(|_| refused())?;
    let places: i128 = format!("{places:0<PLACES$}")
        .parse()
        .map_err(|_| refused())?;
    Ok(whole * ATTO_PER_TOKEN + places)
}

fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The prices that an [`Account`](crate::Account) is billed with, by the model's exact name.
///
/// No alias, date or prefix is looked through: a served name that is not there is [`Error::Unpriced`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList(BTreeMap<String, Rates>);

impl PriceList {
    /// A list without prices.
    ///
    /// It bills an empty account only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the price of a model, named as the server *served* it: `gpt-5-mini-2025-08-07`.
    ///
    /// A second price of one name replaces the first.
    ///
    /// ```
    /// use lattice_lock_testkit::{PriceList, Rates};
    ///
    /// let prices = PriceList::new()
    ///     .model("gpt-5-mini-2025-08-07", Rates::per_million("0.25", "2")?)
    ///     .model("gemini-2.5-flash-001", Rates::per_million("0.30", "2.50")?);
    /// # Ok::<(), lattice_lock_testkit::Error>(())
    /// ```
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, rates: Rates) -> Self {
        self.0.insert(name.into(), rates);
        self
    }

    pub(crate) fn rates(&self, model: &str) -> Result<&Rates, Error> {
        self.0
            .get(model)
            .ok_or_else(|| Error::Unpriced(model.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i128>) {
        assert_eq!(rate(text).ok(), expected, "{text:?}");
    }

    #[test]
    fn a_price_is_read_exactly() {
        check("0", Some(0));
        check("1", Some(1_000_000_000_000));
        check("0.25", Some(250_000_000_000));
        check("0.000000000001", Some(1));
        check("999999999.999999999999", Some(999_999_999_999_999_999_999));
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e-6", "1.2.3", " 1", "٣", "1_000",
        ] {
            check(text, None);
        }
        check("0.0000000000001", None);
        check("1000000000", None);
    }

    #[test]
    fn the_largest_bill_does_not_overflow() {
        let most = "999999999.999999999999";
        let rates = Rates::per_million(most, most).unwrap();
        let usage = Usage::new()
            .input(u32::MAX)
            .output(u32::MAX)
            .reasoning(u32::MAX);
        assert!(rates.atto_usd(&usage) > 0);
    }

    #[test]
    fn each_bucket_has_its_own_rate() {
        let rates = Rates::per_million("1", "10")
            .and_then(|rates| rates.cache_read("0.1"))
            .and_then(|rates| rates.cache_write("1.25", "2"))
            .and_then(|rates| rates.reasoning("20"))
            .unwrap();
        let check = |usage: Usage, micro: i128| {
            assert_eq!(
                rates.atto_usd(&usage),
                micro * 1_000_000_000_000,
                "{usage:?}"
            );
        };
        check(Usage::new().input(100), 100);
        check(Usage::new().cache_read(100), 10);
        check(Usage::new().cache_write_5m(100), 125);
        check(Usage::new().cache_write_1h(100), 200);
        check(Usage::new().output(100), 1_000);
        check(Usage::new().reasoning(100), 2_000);
    }
}
