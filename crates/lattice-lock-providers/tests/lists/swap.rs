use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lattice_lock_providers::{Catalogue, ModelRef, Provider, Registry};

fn edition(number: usize) -> Catalogue {
    let text = format!(
        r#"{{"version": "{number}", "sources": [], "models": [
            {{"provider": "openai", "name": "a", "context_window": {number}, "prices": []}},
            {{"provider": "openai", "name": "b", "context_window": {number}, "prices": []}}
        ]}}"#
    );
    Catalogue::from_json(&text).unwrap()
}

#[test]
fn sixteen_threads_never_see_half_a_catalogue() {
    const SWAPS: usize = 400;
    let registry = Registry::new(edition(0), [Provider::openai()]);
    let models = ["openai/a", "openai/b"].map(|name| name.parse::<ModelRef>().unwrap());
    let (done, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut last = 0;
                loop {
                    let held = registry.catalogue();
                    let version: usize = held.version().parse().unwrap();
                    for model in &models {
                        let window = held.find(model).unwrap().context_window();
                        assert_eq!(window, Some(version as u64), "what is held stays as it is");
                    }
                    assert!(version >= last, "nobody goes back to an older edition");
                    last = version;
                    reads.fetch_add(1, Ordering::Relaxed);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for number in 1..=SWAPS {
            let former = registry.replace_catalogue(edition(number));
            assert_eq!(former.version(), (number - 1).to_string());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(reads.load(Ordering::Relaxed) >= 16);
    assert_eq!(registry.catalogue().version(), SWAPS.to_string());
}

#[test]
fn a_malformed_file_leaves_the_catalogue_that_is_in_use() {
    let registry = Registry::new(edition(7), [Provider::openai()]);
    let reload = |text: &str| {
        let import = lattice_lock_providers::Import::litellm(text, "new")?;
        registry.replace_catalogue(import.into_catalogue());
        Ok::<(), lattice_lock_errors::Error>(())
    };
    assert!(reload(r#"{"m": {"litellm_provider": "openai", "mode": 5}}"#).is_err());
    assert_eq!(registry.catalogue().version(), "7");
    reload(r#"{"m": {"litellm_provider": "openai", "mode": "chat"}}"#).unwrap();
    assert_eq!(registry.catalogue().version(), "new");
}
