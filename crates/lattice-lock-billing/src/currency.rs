use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Money;
use crate::codes::{CURRENCY_INVALID, OUT_OF_RANGE};
use crate::money::plain_decimal;

/// The code of a currency: three letters from `A` to `Z`, as ISO 4217 writes it.
///
/// Only the form is looked at: which codes the standard has now is not known here, and `USD` is one as others are.
/// Small letters are refused, so that one currency has one name.
///
/// ```
/// use lattice_lock_billing::{Currency, codes};
///
/// assert_eq!("EUR".parse::<Currency>()?.as_str(), "EUR");
/// for text in ["euro", "eur", "€", ""] {
///     assert_eq!(text.parse::<Currency>().unwrap_err().code(), codes::CURRENCY_INVALID);
/// }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Three letters of ASCII are always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// [`CURRENCY_INVALID`] unless it is exactly three letters from `A` to `Z`. From JSON it is read by the same rule.
impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .filter(|code| code.iter().all(u8::is_ascii_uppercase))
            .map(Self)
            .ok_or_else(|| Error::new(CURRENCY_INVALID, "not a currency").with("currency", text))
    }
}

impl TryFrom<String> for Currency {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The longest name of a rate's source, in characters.
const LONGEST_SOURCE: usize = 64;

/// An amount in another currency, with the rate by which it was made dollars: both are kept in the ledger.
///
/// There is no rate that is not given: nothing here looks one up, and a rate that changes later changes no entry. What
/// is added up is the amount in dollars; the foreign one is kept so that an auditor finds the invoice's own figure, the
/// rate and whose it is.
///
/// Text and JSON are exact decimals, without zeros at the end.
///
/// ```
/// use lattice_lock_billing::ForeignAmount;
///
/// let fee = ForeignAmount::new("EUR".parse()?, "10.00", "1.0825", "ECB 2026-11-20")?;
/// assert_eq!(fee.to_usd()?.to_string(), "10.825");
/// assert_eq!(
///     serde_json::to_value(&fee).expect("plain data"),
///     serde_json::json!({
///         "currency": "EUR", "amount": "10", "usd_per_unit": "1.0825", "source": "ECB 2026-11-20",
///     }),
/// );
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
///
/// It is booked with [`Entry::reported_foreign_cost`](crate::Entry::reported_foreign_cost).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Told")]
pub struct ForeignAmount {
    currency: Currency,
    #[serde(serialize_with = "as_text")]
    amount: Decimal,
    #[serde(serialize_with = "as_text")]
    usd_per_unit: Decimal,
    source: String,
}

impl ForeignAmount {
    /// So much of a currency, of which one unit is worth so many dollars by this source. Of the source's name the first
    /// 64 characters are kept, without control characters.
    ///
    /// The rate is dollars for one unit of the currency, and not the other way round: where a bank quotes 0.92 EUR for
    /// a dollar, take its own quote for a euro, because the inverse has no exact decimal. A negative amount is a
    /// credit. Numbers have no exponent, and no more than 28 places and 96 bits, about 28 digits: nothing is rounded to
    /// make one fit.
    ///
    /// ```
    /// use lattice_lock_billing::{ForeignAmount, codes};
    ///
    /// let credit = ForeignAmount::new("EUR".parse()?, "-10", "1.0825", "credit note 12")?;
    /// assert_eq!(credit.to_usd()?.to_string(), "-10.825");
    /// for rate in ["0", "-1", "1e3", ""] {
    ///     let refused = ForeignAmount::new("EUR".parse()?, "10", rate, "a typo").unwrap_err();
    ///     assert_eq!(refused.code(), codes::CURRENCY_INVALID);
    /// }
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CURRENCY_INVALID`] if one of the numbers is no plain decimal, or the rate is not above zero.
    pub fn new(currency: Currency, amount: &str, usd_per_unit: &str, source: &str) -> Result<Self> {
        let decimal = |text: &str| {
            let parsed = plain_decimal(text).map(|number| number.normalize());
            parsed.ok_or_else(|| Error::new(CURRENCY_INVALID, "not a number").with("number", text))
        };
        let plain = source.chars().filter(|c| !c.is_control());
        let (amount, usd_per_unit) = (decimal(amount)?, decimal(usd_per_unit)?);
        if usd_per_unit <= Decimal::ZERO {
            return Err(Error::new(CURRENCY_INVALID, "a rate is above zero"));
        }
        Ok(Self {
            currency,
            amount,
            usd_per_unit,
            source: plain.take(LONGEST_SOURCE).collect(),
        })
    }

    /// Which currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// How much of it, in units of the currency (euros, not cents), exactly as it was given.
    #[must_use]
    pub fn amount(&self) -> Decimal {
        self.amount
    }

    /// How many dollars one unit is worth: above zero, exactly as it was given.
    #[must_use]
    pub fn usd_per_unit(&self) -> Decimal {
        self.usd_per_unit
    }

    /// Where the rate is from; empty if nobody said.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The amount in dollars: the exact product of amount and rate, rounded half-even once.
    ///
    /// ```
    /// use lattice_lock_billing::ForeignAmount;
    ///
    /// let usd = |amount: &str, rate: &str| {
    ///     ForeignAmount::new("EUR".parse()?, amount, rate, "ECB")?.to_usd()
    /// };
    /// // Half a nano-USD goes to the even neighbour: 0.5 to 0, 1.5 to 2.
    /// assert_eq!(usd("0.000000005", "0.1")?.nanos(), 0);
    /// assert_eq!(usd("0.000000015", "0.1")?.nanos(), 2);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] beyond ± 9.2 billion dollars, or when the exact product has too many digits: more than 28
    /// places or 96 bits.
    pub fn to_usd(&self) -> Result<Money> {
        let product = self.amount.checked_mul(self.usd_per_unit);
        let exact = product.filter(|product| {
            self.amount.is_zero()
                || product.scale() == self.amount.scale() + self.usd_per_unit.scale()
        });
        let exact = exact.ok_or_else(|| Error::new(OUT_OF_RANGE, "amount out of range"))?;
        Money::rounded(exact)
    }
}

/// What somebody says that an amount is, before it is held against the rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    currency: Currency,
    amount: String,
    usd_per_unit: String,
    source: String,
}

impl TryFrom<Told> for ForeignAmount {
    type Error = Error;

    fn try_from(told: Told) -> Result<Self> {
        Self::new(
            told.currency,
            &told.amount,
            &told.usd_per_unit,
            &told.source,
        )
    }
}

/// Decimals as text, exactly: a number of JSON may pass through a float.
fn as_text<S: serde::Serializer>(
    decimal: &Decimal,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(amount: &str, rate: &str, usd: Option<&str>) {
        let foreign = ForeignAmount::new("EUR".parse().unwrap(), amount, rate, "test");
        let converted = foreign.and_then(|foreign| foreign.to_usd()).ok();
        assert_eq!(
            converted.map(|usd| usd.to_string()).as_deref(),
            usd,
            "{amount} at {rate}"
        );
    }

    #[test]
    fn a_conversion_is_exact_and_rounded_once() {
        check("10", "1.0825", Some("10.825"));
        check("-10", "1.0825", Some("-10.825"));
        check("0", "1.0825", Some("0.00"));
        check("0.000000005", "0.1", Some("0.00"));
        check("0.000000015", "0.1", Some("0.000000002"));
        check("1", "0", None);
        check("1", "-1", None);
        for odd in [
            "", "1e3", "1_000", "1,000", "+1", "1.", ".5", "-", "--1", " 1", "1.-5", "٣",
        ] {
            check(odd, "1", None);
            check("1", odd, None);
        }
        check("0.1234567890123456", "0.1234567890123456", None);
        check("99999999999", "1", None);
    }

    #[test]
    fn a_currency_has_three_capital_letters() {
        for bad in ["", "eur", "EURO", "€", "E1R", "EU"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_currency_that_is_not_converted_is_never_taken_for_dollars() {
        assert!("10.00 EUR".parse::<Money>().is_err());
        assert!("€10".parse::<Money>().is_err());
    }

    #[test]
    fn a_foreign_amount_from_json_keeps_the_rules_of_one_that_is_made() {
        let read = |rate: &str, source: &str| {
            serde_json::from_value::<ForeignAmount>(serde_json::json!({
                "currency": "EUR", "amount": "10", "usd_per_unit": rate, "source": source,
            }))
        };
        assert!(read("-1", "s").is_err());
        assert!(read("0", "s").is_err());
        let long = read("1.10", &"x".repeat(1 << 20)).unwrap();
        assert_eq!(long.source().len(), LONGEST_SOURCE);
        assert_eq!(long.usd_per_unit().to_string(), "1.1");
    }

    proptest! {
        #[test]
        fn a_foreign_amount_survives_json(mantissa in any::<i64>(), scale in 0_u32..12, rate in 1_i64..1_000_000) {
            let amount = Decimal::new(mantissa, scale).to_string();
            let rate = Decimal::new(rate, 4).to_string();
            let foreign = ForeignAmount::new("JPY".parse().unwrap(), &amount, &rate, "s").unwrap();
            let json = serde_json::to_string(&foreign).unwrap();
            prop_assert_eq!(serde_json::from_str::<ForeignAmount>(&json).unwrap(), foreign);
        }
    }
}
