//! What an analysis allocates: the same few bytes whatever was said, and nothing at all if it was cached.

use lattice_lock_analyzer::Analyzer;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most memory that was in use during `work` above what was in use before, in bytes.
fn peak(work: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage() - before
}

// One test, for other tests would allocate beside it.
#[test]
fn an_analysis_allocates_its_result_and_nothing_for_a_signal() {
    let quiet = "xkcd qwfp zxcv".to_owned();
    let loud = "Translate, debug and test the architecture; analyze the image, prove it and write a story. ".repeat(30);
    let huge = loud.repeat(500);
    let plain = Analyzer::builder().cache_size(0).build();
    let of = |text: &str| peak(|| drop(plain.analyze(text)));
    let (least, signals, long) = (of(&quiet), of(&loud), of(&huge));
    assert!(least > 0 && least <= 2048, "{least}");
    assert_eq!((signals, long), (least, least));

    let cached = Analyzer::new();
    let kept = cached.analyze(&loud);
    let hit = peak(|| assert!(std::sync::Arc::ptr_eq(&kept, &cached.analyze(&loud))));
    assert_eq!(hit, 0);
}
