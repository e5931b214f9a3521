//! A file on its way: broken, stalled, cut, wrong; what is kept of it, and that it goes on from there.

use proptest::prelude::*;

use crate::double::{Delivery, Double, Fault, etag};
use crate::{FILE, REPO, body, fetch, files, gguf, hub, nothing_final, pull, serving};
use claimbench::hub::{Event, HubError, ModelsLock};

fn partial(cache: &std::path::Path, body: &[u8]) -> std::path::PathBuf {
    cache.join("models--owner--model/blobs").join(format!("{}.incomplete", etag(FILE, body)))
}

#[test]
fn a_file_comes_whole_however_it_is_delivered() {
    let body = body(700_000);
    for delivery in [Delivery::Direct, Delivery::Relative, Delivery::Content] {
        for prefix in ["", "/mirror/hub"] {
            let server = serving(&body).deliver(delivery).below(prefix);
            let cache = tempfile::tempdir().unwrap();
            let hub = hub(&server, cache.path());
            for commit in [None, Some(crate::COMMIT)] {
                let fetched = fetch(&hub, &gguf(FILE, commit)).unwrap();
                assert_eq!(std::fs::read(&fetched.path).unwrap(), body, "{delivery:?} {prefix}");
                assert_eq!(fetched.commit, crate::COMMIT);
            }
            let bodies = server.bodies();
            let from_content = bodies.iter().filter(|seen| seen.content).count();
            let came = if delivery == Delivery::Content { from_content } else { bodies.len() - from_content };
            assert!(came >= 1, "{bodies:?}");
            assert_eq!(from_content > 0, delivery == Delivery::Content);
        }
    }
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let body = body(300_000);
    let server = serving(&body).deliver(Delivery::Content);
    server.fail([Fault::Cut(100_000), Fault::Cut(50_000), Fault::Status(503, "")]);
    let cache = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    let hub = hub(&server, cache.path());
    let (fetched, entries) = pull(&hub, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), body);
    assert_eq!(entries[0].sha256, etag(FILE, &body));
    let asked = server.bodies().into_iter().filter(|seen| seen.content).map(|seen| seen.range);
    let expected = [None, Some("bytes=100000-"), Some("bytes=150000-"), Some("bytes=150000-")];
    assert_eq!(asked.collect::<Vec<_>>(), expected.map(|range| range.map(str::to_owned)));
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].contains("33 % are here, trying again"), "{said:?}");
}

#[test]
fn what_came_before_a_failure_is_kept_for_the_next_command() {
    let body = body(300_000);
    let server = serving(&body);
    server.fail([Fault::Cut(200_000), Fault::Cut(0), Fault::Cut(0)]);
    let cache = tempfile::tempdir().unwrap();
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(matches!(error, HubError::Dropped { .. }), "{error}");
    assert!(error.to_string().contains("200000 bytes are here; try again, it goes on"), "{error}");
    assert!(nothing_final(cache.path()));
    assert_eq!(std::fs::metadata(partial(cache.path(), &body)).unwrap().len(), 200_000);
    // What is still to come is what a plan counts.
    let hub = hub(&server, cache.path());
    let plan = hub.plan(&gguf(FILE, None), &ModelsLock::default(), &mut |_| {}).unwrap();
    assert_eq!((plan.bytes().count(), plan.missing().count()), (300_000, 100_000));
    let (before, mut starts) = (server.bodies().len(), Vec::new());
    let watch = &mut |event: Event<'_>| {
        if let Event::Starts { here, .. } = event {
            starts.push(here.count());
        }
    };
    hub.fetch(&plan, &ModelsLock::default(), watch).unwrap();
    assert_eq!(starts, [200_000]);
    let asked: Vec<_> = server.bodies().into_iter().skip(before).map(|seen| seen.range).collect();
    assert_eq!(asked, [Some("bytes=200000-".to_owned())]);
    assert!(!partial(cache.path(), &body).exists());
}

#[test]
fn a_silent_connection_is_given_up_after_its_time_and_what_came_is_kept() {
    let body = body(200_000);
    let server = serving(&body);
    server.fail([Fault::Stall(70_000), Fault::Stall(0), Fault::Stall(0), Fault::Stall(0)]);
    let cache = tempfile::tempdir().unwrap();
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    let HubError::Stalled { came, .. } = &error else { panic!("{error}") };
    assert_eq!(came.count(), 70_000);
    assert!(nothing_final(cache.path()));
    let fetched = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), body);
}

#[test]
fn a_wrong_byte_is_noticed_and_nothing_is_kept_of_it() {
    let body = body(100_000);
    let server = serving(&body);
    server.fail([Fault::Flip(99_999)]);
    let cache = tempfile::tempdir().unwrap();
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(
        matches!(&error, HubError::WrongDigest { expected, .. } if *expected == etag(FILE, &body)),
        "{error}"
    );
    assert_eq!(files(cache.path()), Vec::<std::path::PathBuf>::new());
    // A small file is checked by Git's own digest.
    server.put(REPO, crate::COMMIT, "config.json", b"{\"a\": 1}");
    server.fail([Fault::Flip(3)]);
    let error = fetch(&hub(&server, cache.path()), &gguf("config.json", None)).unwrap_err();
    assert!(matches!(error, HubError::WrongDigest { .. }), "{error}");
    assert!(fetch(&hub(&server, cache.path()), &gguf("config.json", None)).is_ok());
}

#[test]
fn a_wrong_part_from_earlier_is_thrown_away_once_and_the_file_still_comes() {
    let body = body(100_000);
    let server = serving(&body);
    for planted in [vec![7; 40_000], vec![7; 100_000], vec![7; 100_001]] {
        let cache = tempfile::tempdir().unwrap();
        let path = partial(cache.path(), &body);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, planted).unwrap();
        let fetched = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
        assert_eq!(std::fs::read(&fetched.path).unwrap(), body);
    }
}

#[test]
fn a_server_without_ranges_or_with_other_ones_is_no_harm() {
    let body = body(120_000);
    for faults in [
        vec![Fault::Cut(50_000), Fault::NoRange],
        vec![Fault::Cut(50_000), Fault::OtherRange],
        vec![Fault::Cut(50_000), Fault::Status(416, "")],
    ] {
        let server = serving(&body);
        server.fail(faults.clone());
        let cache = tempfile::tempdir().unwrap();
        let fetched = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
        assert_eq!(std::fs::read(&fetched.path).unwrap(), body, "{faults:?}");
    }
}

#[test]
fn a_body_that_is_shorter_or_longer_than_announced_is_refused() {
    let body = body(50_000);
    let cache = tempfile::tempdir().unwrap();
    let server = serving(&body);
    server.fail([Fault::Short(49_999)]);
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(matches!(error, HubError::WrongSize { .. }), "{error}");
    let server = serving(&body).deliver(Delivery::Content);
    server.announce(40_000);
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(error.to_string().contains("should have 40000 bytes and 50000 bytes were offered"), "{error}");
    assert!(nothing_final(cache.path()));
}

#[test]
fn an_empty_file_and_a_file_in_a_folder_come_too() {
    let server = Double::start();
    server.put(REPO, crate::COMMIT, "sub/deep/empty.gguf", b"");
    let cache = tempfile::tempdir().unwrap();
    let fetched = fetch(&hub(&server, cache.path()), &gguf("sub/deep/empty.gguf", None)).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), b"");
    assert!(fetched.path.ends_with("sub/deep/empty.gguf"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_says_so_and_what_came_stays() {
    let body = body(10_000);
    let server = serving(&body);
    let cache = tempfile::tempdir().unwrap();
    let path = partial(cache.path(), &body);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A device that answers every write as a full disk does.
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(matches!(error, HubError::Full { .. }), "{error}");
    assert!(error.to_string().contains("filled up; free some space"), "{error}");
    assert!(nothing_final(cache.path()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_breaks_the_file_is_right_or_has_no_name(
        size in 1_usize..60_000,
        faults in prop::collection::vec((0_u8..8, 0_usize..60_000), 0..6),
        delivery in prop::sample::select(vec![Delivery::Direct, Delivery::Relative, Delivery::Content]),
    ) {
        let body = body(size);
        let server = serving(&body).deliver(delivery);
        server.fail(faults.into_iter().map(|(kind, at)| match kind {
            0..=2 => Fault::Cut(at),
            3 => Fault::Status(500, ""),
            4 => Fault::Flip(at),
            5 => Fault::NoRange,
            6 => Fault::OtherRange,
            _ => Fault::Short(at),
        }));
        let cache = tempfile::tempdir().unwrap();
        let hub = hub(&server, cache.path());
        // A user tries again; the faults run out in the end.
        let mut tries = 0;
        let fetched = loop {
            match fetch(&hub, &gguf(FILE, None)) {
                Ok(fetched) => break fetched,
                Err(error) => {
                    prop_assert!(nothing_final(cache.path()), "{error} left {:?}", files(cache.path()));
                    prop_assert!(!error.to_string().contains(crate::double::SIGNATURE), "{error}");
                }
            }
            tries += 1;
            prop_assert!(tries < 10, "it never came");
        };
        prop_assert_eq!(std::fs::read(&fetched.path).unwrap(), body);
        prop_assert_eq!(files(cache.path()).len(), 3, "{:?}", files(cache.path()));
    }
}
