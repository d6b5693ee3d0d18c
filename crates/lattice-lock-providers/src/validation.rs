use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use crate::{Bucket, Lifecycle, Maturity, Model, Prices, Registry};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gravity {
    /// Something may not be as it should.
    Warning,
    /// Something cannot work.
    Error,
}

/// Something that [`Registry::validate`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub gravity: Gravity,
    /// What was found, the same words for each of its kind.
    pub what: &'static str,
    /// Whom it concerns, each by its name.
    pub who: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        write!(f, "{}: {}", self.what, self.who.len())?;
        let shown = self
            .who
            .iter()
            .take(SHOWN)
            .map(String::as_str)
            .collect::<Vec<_>>();
        let more = if self.who.len() > SHOWN { ", …" } else { "" };
        write!(f, " ({}{more})", shown.join(", "))
    }
}

/// What a registry's figures and providers have to be said of, with counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    findings: Vec<Finding>,
}

impl Validation {
    /// Everything that was found, the worst first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The worst gravity, if anything was found.
    #[must_use]
    pub fn worst(&self) -> Option<Gravity> {
        self.findings.first().map(|finding| finding.gravity)
    }

    /// How many were found of a gravity, each model and provider counted.
    #[must_use]
    pub fn count(&self, gravity: Gravity) -> usize {
        let of = self
            .findings
            .iter()
            .filter(|finding| finding.gravity == gravity);
        of.map(|finding| finding.who.len()).sum()
    }

    fn add(&mut self, gravity: Gravity, what: &'static str, who: impl IntoIterator<Item = String>) {
        let who: Vec<_> = who.into_iter().collect();
        if !who.is_empty() {
            self.findings.push(Finding { gravity, what, who });
        }
    }
}

impl Registry {
    /// Looks for what cannot work and what may not be as it should, on a day (UTC).
    ///
    /// ```
    /// use lattice_lock_providers::{Catalogue, Gravity, Provider, Registry};
    ///
    /// let registry = Registry::new(Catalogue::default(), [Provider::openai()]);
    /// let validation = registry.validate(jiff::civil::date(2026, 11, 1));
    /// assert_eq!(validation.worst(), Some(Gravity::Warning));
    /// assert!(validation.findings().iter().any(|finding| finding.what.contains("key")));
    /// ```
    #[must_use]
    pub fn validate(&self, day: Date) -> Validation {
        let mut validation = Validation::default();
        self.validate_providers(&mut validation);
        self.validate_catalogue(&mut validation, day);
        validation
            .findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.gravity));
        validation
    }

    /// As [`validate`](Self::validate), today (UTC, by this machine's clock).
    #[must_use]
    pub fn validate_today(&self) -> Validation {
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
        self.validate(now.date())
    }

    fn validate_providers(&self, validation: &mut Validation) {
        let names = |wanted: &dyn Fn(&crate::Provider) -> bool| {
            let providers = self.providers().filter(|provider| wanted(provider));
            providers
                .map(|provider| provider.id().to_string())
                .collect::<Vec<_>>()
        };
        let closed = |provider: &crate::Provider| {
            provider.maturity() == Maturity::Experimental && !provider.is_allowed()
        };
        validation.add(
            Gravity::Error,
            "experimental providers that were not allowed",
            names(&closed),
        );
        validation.add(
            Gravity::Warning,
            "providers without a key",
            names(&|provider| !provider.has_key()),
        );
        if self.providers().next().is_none() {
            validation.add(
                Gravity::Warning,
                "no provider at all",
                ["the registry".to_owned()],
            );
        }
        let catalogue = self.catalogue();
        let unknown = |provider: &crate::Provider| {
            let mut models = catalogue.models().iter();
            !models.any(|model| model.reference().provider() == provider.id())
        };
        validation.add(
            Gravity::Warning,
            "providers of whose models the catalogue knows none",
            names(&unknown),
        );
    }

    fn validate_catalogue(&self, validation: &mut Validation, day: Date) {
        let catalogue = self.catalogue();
        if catalogue.stale_after().is_some_and(|stale| stale <= day) {
            let edition = catalogue.version().to_owned();
            validation.add(
                Gravity::Warning,
                "the catalogue should be looked at again",
                [edition],
            );
        }
        let served = catalogue
            .models()
            .iter()
            .filter(|model| self.provider(model.reference().provider()).is_ok());
        let served: Vec<&Model> = served.map(|model| &**model).collect();
        let mut add = |gravity, what, wanted: &dyn Fn(&Model) -> bool| {
            let who = served.iter().filter(|model| wanted(model));
            validation.add(
                gravity,
                what,
                who.map(|model| model.reference().to_string()),
            );
        };
        add(
            Gravity::Error,
            "models that can hold no prompt or give no reply",
            &|model| model.context_window() == Some(0) || model.output_limit() == Some(0),
        );
        add(Gravity::Warning, "models without a price", &|model| {
            model.prices().on(day).is_none()
        });
        add(
            Gravity::Warning,
            "models whose cached tokens cost more than fresh ones",
            &|model| {
                let list = model.prices().on(day).map(|(_, list)| list);
                list.is_some_and(|list| is_dear(list.base()))
            },
        );
        add(
            Gravity::Warning,
            "models that are no longer served",
            &|model| matches!(model.lifecycle(day), Lifecycle::Retired { .. }),
        );
        let soon = day.saturating_add(30.days());
        add(
            Gravity::Warning,
            "models that are served for less than 30 days",
            &|model| {
                model
                    .retires()
                    .is_some_and(|retires| retires > day && retires <= soon)
            },
        );
    }
}

fn is_dear(prices: &Prices) -> bool {
    let read = prices.own(Bucket::CacheRead);
    read.zip(prices.own(Bucket::Input))
        .is_some_and(|(read, fresh)| read > fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, Provider};
    use jiff::civil::date;

    fn check(models: &str, providers: Vec<Provider>, gravity: Gravity, what: &str) {
        let text = format!(
            r#"{{"version": "v", "stale_after": "2026-12-01", "sources": [], "models": [{models}]}}"#
        );
        let registry = Registry::new(Catalogue::from_json(&text).unwrap(), providers);
        let validation = registry.validate(date(2026, 11, 1));
        let found = validation
            .findings()
            .iter()
            .find(|finding| finding.what.contains(what));
        let found = found.unwrap_or_else(|| panic!("{what}: {validation:?}"));
        assert_eq!((found.gravity, found.who.len()), (gravity, 1));
        assert!(validation.worst() >= Some(gravity) && validation.count(gravity) >= 1);
    }

    #[test]
    fn each_fault_is_found_and_counted() {
        let openai = || vec![Provider::openai().api_key("key".to_owned())];
        let model = |fields: &str| format!(r#"{{"provider": "openai", "name": "m", {fields}}}"#);
        check("", vec![], Gravity::Warning, "no provider");
        check(
            "",
            vec![Provider::openai()],
            Gravity::Warning,
            "without a key",
        );
        check("", openai(), Gravity::Warning, "knows none");
        check(
            "",
            vec![Provider::bedrock("eu-central-1").unwrap()],
            Gravity::Error,
            "not allowed",
        );
        check(
            &model(r#""prices": []"#),
            openai(),
            Gravity::Warning,
            "without a price",
        );
        check(
            &model(r#""prices": [], "context_window": 0"#),
            openai(),
            Gravity::Error,
            "no prompt",
        );
        check(
            &model(r#""prices": [], "retires": "2026-10-01""#),
            openai(),
            Gravity::Warning,
            "no longer",
        );
        check(
            &model(r#""prices": [], "retires": "2026-11-20""#),
            openai(),
            Gravity::Warning,
            "30 days",
        );
        let dear = r#""prices": [{"from": "1970-01-01", "usd_per_million": {"input": "1", "cache_read": "2"}}]"#;
        check(&model(dear), openai(), Gravity::Warning, "cost more");
    }

    #[test]
    fn an_old_catalogue_is_told() {
        let text = r#"{"version": "v", "stale_after": "2026-12-01", "sources": [], "models": []}"#;
        let registry = Registry::new(Catalogue::from_json(text).unwrap(), [Provider::local()]);
        let told = |day| {
            let validation = registry.validate(day);
            validation
                .findings()
                .iter()
                .any(|finding| finding.what.contains("looked at again"))
        };
        assert!(!told(date(2026, 11, 30)) && told(date(2026, 12, 1)));
    }
}
