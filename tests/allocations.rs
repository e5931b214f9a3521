//! Nothing is allocated for a token: every call of the allocator between two tokens is counted.

#![expect(unsafe_code, reason = "an allocator can be written in no other way")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use claimbench::engine::{ComputeDevice, Engine, OwnEngine, Request};
use claimbench::model::{Recipe, Registry, ensure_synthetic};
use claimbench::units::Bytes;
use claimbench::workload::DeviceChoice;

/// The system's allocator, counted.
struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps what the trait asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_memory_is_allocated_between_two_tokens_of_any_architecture_or_batch() {
    let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
    if !OwnEngine::usually_maps_weights(device.device()) {
        // Without kernels for this processor candle computes, and allocates as it likes.
        return;
    }
    let registry = Registry::parse("models.toml", include_str!("../models.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for model in registry.test_shapes() {
        let file = ensure_synthetic(folder.path(), model, Recipe::Q4KM, 1, &mut |_| {}).unwrap();
        let mut engine = OwnEngine::new(file.path, device.clone(), Bytes::new(0));
        engine.load().unwrap();
        for batch in [1, 3] {
            let prompts: Vec<Vec<u32>> = (0..batch).map(|row| (row..row + 5).collect()).collect();
            let request = Request { prompts, output_tokens: 24 };
            engine.begin(&[], &request).unwrap();
            let mut calls = Vec::with_capacity(24);
            let mut emit = |_: &[u32]| {
                calls.push(CALLS.load(Ordering::Relaxed));
                ControlFlow::Continue(())
            };
            engine.generate(&request, &mut emit).unwrap();
            // Buffers reach their size with the first tokens; experts that are met later make theirs larger.
            let last = &calls[calls.len() - 8..];
            assert_eq!(last[0], last[7], "{}, batch {batch}: {calls:?}", model.id);
        }
    }
}
