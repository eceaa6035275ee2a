//! Names through syncs and power losses.

use workloads::seed::Seed;

use super::*;

fn file() -> Kind {
    Kind::File(Content::default())
}

fn folder() -> Kind {
    Kind::Folder(Folder::default())
}

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

/// All paths of files.
fn paths(image: &Image) -> Vec<String> {
    fn walk(image: &Image, at: u64, path: &str, found: &mut Vec<String>) {
        for (name, number) in image.list(at).expect("a folder") {
            let path = format!("{path}/{}", name.to_string_lossy());
            match image.node(number).expect("named").kind {
                Kind::File(_) => found.push(path),
                Kind::Folder(_) => walk(image, number, &path, found),
            }
        }
    }
    let mut found = Vec::new();
    walk(image, ROOT, "", &mut found);
    found
}

#[test]
fn a_name_is_durable_when_its_folder_was_synced() {
    let mut image = Image::new();
    let deep = image
        .make(ROOT, name("deep"), folder(), 0o755)
        .expect("new");
    let a = image.make(deep, name("a"), file(), 0o644).expect("new");
    assert_eq!(
        image.make(deep, name("a"), file(), 0o644),
        Err(Wrong::Exists)
    );
    image.sync(a).expect("there");
    image.sync(deep).expect("there");
    image.lose_power(None);
    assert_eq!(
        paths(&image),
        Vec::<String>::new(),
        "deep has no durable name"
    );
    assert_eq!(image.take_garbage(), [a]);

    let a = image.make(ROOT, name("a"), file(), 0o644).expect("new");
    image.sync(ROOT).expect("there");
    image.make(ROOT, name("b"), file(), 0o644).expect("new");
    let loss = image.lose_power(None);
    assert_eq!((paths(&image), loss.names), (vec!["/a".to_owned()], 1));
    assert_eq!(image.lookup(ROOT, name("a")), Ok(a));
}

#[test]
fn what_was_removed_or_replaced_comes_back_until_that_is_synced() {
    let mut image = Image::new();
    let old = image.make(ROOT, name("a"), file(), 0o644).expect("new");
    image.sync_all();
    let new = image.make(ROOT, name("a.tmp"), file(), 0o644).expect("new");
    image
        .rename((ROOT, name("a.tmp")), (ROOT, name("a")))
        .expect("there");
    assert_eq!(image.lookup(ROOT, name("a")), Ok(new));
    image.lose_power(None);
    assert_eq!(image.lookup(ROOT, name("a")), Ok(old));
    assert_eq!((paths(&image).len(), image.take_garbage()), (1, vec![new]));

    image.unlink(ROOT, name("a")).expect("there");
    assert_eq!(image.take_garbage(), [0; 0], "it may come back");
    image.sync(ROOT).expect("there");
    assert_eq!(image.take_garbage(), [old]);
    image.lose_power(None);
    assert_eq!(paths(&image), Vec::<String>::new());
}

#[test]
fn a_file_that_is_open_is_no_garbage_until_it_is_closed() {
    let mut image = Image::new();
    let a = image.make(ROOT, name("a"), file(), 0o644).expect("new");
    image.open(a).expect("there");
    image.unlink(ROOT, name("a")).expect("there");
    image.sync_all();
    assert_eq!(image.take_garbage(), [0; 0]);
    image.close(a);
    assert_eq!(image.take_garbage(), [a]);
}

#[test]
fn a_move_between_folders_is_one_change() {
    for synced in ["from", "to", "neither"] {
        let mut image = Image::new();
        let from = image
            .make(ROOT, name("from"), folder(), 0o755)
            .expect("new");
        let to = image.make(ROOT, name("to"), folder(), 0o755).expect("new");
        image.make(from, name("a"), file(), 0o644).expect("new");
        image.sync_all();
        image
            .rename((from, name("a")), (to, name("b")))
            .expect("there");
        match synced {
            "from" => image.sync(from).expect("there"),
            "to" => image.sync(to).expect("there"),
            _ => {}
        }
        image.lose_power(None);
        let wanted = if synced == "neither" {
            "/from/a"
        } else {
            "/to/b"
        };
        assert_eq!(paths(&image), [wanted], "{synced}");
    }
}

#[test]
fn folders_are_replaced_and_removed_only_when_empty() {
    let mut image = Image::new();
    let full = image
        .make(ROOT, name("full"), folder(), 0o755)
        .expect("new");
    image.make(full, name("a"), file(), 0o644).expect("new");
    image
        .make(ROOT, name("empty"), folder(), 0o755)
        .expect("new");
    image.make(ROOT, name("file"), file(), 0o644).expect("new");
    assert_eq!(
        image.remove_folder(ROOT, name("full")),
        Err(Wrong::NotEmpty)
    );
    assert_eq!(image.unlink(ROOT, name("full")), Err(Wrong::IsFolder));
    assert_eq!(
        image.remove_folder(ROOT, name("file")),
        Err(Wrong::NoFolder)
    );
    let mut moved = |from, to| image.rename((ROOT, name(from)), (ROOT, name(to)));
    assert_eq!(moved("empty", "full"), Err(Wrong::NotEmpty));
    assert_eq!(moved("file", "empty"), Err(Wrong::IsFolder));
    assert_eq!(moved("empty", "file"), Err(Wrong::NoFolder));
    assert_eq!(moved("missing", "file"), Err(Wrong::Missing));
    assert_eq!(moved("full", "empty"), Ok(()));
    assert_eq!(paths(&image), ["/empty/a", "/file"]);
}

#[test]
fn whatever_happens_a_loss_brings_back_what_was_synced_and_all_nodes_are_held() {
    for seed in 0..300 {
        let mut draws = Seed(seed).stream("names");
        let mut image = Image::new();
        let names = ["a", "b", "c"];
        let mut synced = Vec::new();
        for step in 0..40 {
            let mut folders = vec![ROOT];
            folders.extend(
                image
                    .nodes
                    .keys()
                    .copied()
                    .filter(|number| *number != ROOT && image.folder(*number).is_ok()),
            );
            let (at, to) = (
                folders[draws.index(folders.len())],
                folders[draws.index(folders.len())],
            );
            let (one, other) = (name(names[draws.index(3)]), name(names[draws.index(3)]));
            // What cannot be done is refused, and that is fine here.
            match draws.below(9) {
                0 if at == ROOT => {
                    let _ = image.make(at, one, folder(), 0o755);
                }
                0 | 1 => {
                    let _ = image.make(at, one, file(), 0o644);
                }
                2 => {
                    let _ = image.unlink(at, one);
                }
                3 => {
                    let _ = image.remove_folder(at, one);
                }
                // Folders stay at the top: a file system's caller sees to it that none moves below itself.
                4 if image
                    .lookup(at, one)
                    .is_ok_and(|it| image.folder(it).is_err()) =>
                {
                    let _ = image.rename((at, one), (to, other));
                }
                5 => {
                    image.sync_all();
                    synced = paths(&image);
                }
                6 => {
                    image.lose_power(None);
                    assert_eq!(paths(&image), synced, "seed {seed}, step {step}");
                }
                _ => {}
            }
        }
        image.lose_power(None);
        assert_eq!(paths(&image), synced, "seed {seed}, at the end");
        let files = image.files().count();
        assert_eq!(
            files,
            synced.len(),
            "seed {seed}: nothing is held that has no name"
        );
    }
}

#[test]
fn a_torn_loss_keeps_all_names_or_none() {
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let mut image = Image::new();
        for name in ["a", "b", "c"] {
            image
                .make(ROOT, OsStr::new(name), file(), 0o644)
                .expect("new");
        }
        image.lose_power(Some(&mut Seed(seed).stream("torn")));
        seen.insert(paths(&image).len());
    }
    assert_eq!(seen, BTreeSet::from([0, 3]));
}
