//! Faults of a disk of ours below a region's data: a real mount, real regions, and nothing left whoever ends first.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use crate::dateline::{Place, wait_until};

/// `dateline disk`, and the ways to it.
struct Disk {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Disk {
    /// One that is mounted at `at` in this place; why not, where this machine refuses.
    fn mount(place: &Place) -> Result<Self, String> {
        fs::create_dir(place.path().join("at")).expect("writable");
        let mut command = place.command("disk at store");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (orders, answers) = (child.stdin.take(), child.stdout.take().expect("piped"));
        let mut disk = Self {
            child,
            orders,
            answers: BufReader::new(answers),
        };
        match disk.answer() {
            answer if answer == r#"{"done":"mounted"}"# => Ok(disk),
            refused => Err(refused),
        }
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("readable");
        line.trim_end().to_owned()
    }

    fn order(&mut self, order: &str) -> String {
        let orders = self.orders.as_mut().expect("not ended");
        writeln!(orders, "{order}").expect("it listens");
        self.answer()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

/// Mounts below a place.
fn mounts(place: &Place) -> Vec<String> {
    let here = place.path().to_string_lossy().into_owned();
    let table = fs::read_to_string("/proc/self/mounts").expect("Linux");
    let ours = table.lines().filter(|line| line.contains(&here));
    ours.map(str::to_owned).collect()
}

/// Whether this machine mounts at all; says so where it does not.
fn can_mount() -> bool {
    match Disk::mount(&Place::new()) {
        Ok(_disk) => true,
        Err(why) => {
            eprintln!("nothing was tested beyond the skipping: {why}");
            false
        }
    }
}

fn sync(path: &Path) {
    File::open(path)
        .and_then(|file| file.sync_all())
        .expect("there");
}

#[test]
fn a_mounted_disk_forgets_what_was_not_synced() {
    let place = Place::new();
    let Ok(mut disk) = Disk::mount(&place) else {
        assert!(!can_mount());
        return;
    };
    let at = place.path().join("at");
    let read = |name: &str| fs::read_to_string(at.join(name)).ok();
    fs::create_dir(at.join("deep")).expect("writable");
    fs::write(at.join("deep/journal"), "one").expect("writable");
    sync(&at.join("deep/journal"));
    sync(&at.join("deep"));
    sync(&at);
    let mut journal = File::options()
        .append(true)
        .open(at.join("deep/journal"))
        .expect("there");
    journal.write_all(b", two").expect("writable");
    drop(journal);
    fs::write(at.join("new"), "three").expect("writable");
    fs::rename(at.join("new"), at.join("newer")).expect("there");
    assert_eq!(read("deep/journal").as_deref(), Some("one, two"));
    let told = disk.order(r#"{"do":"lose-power","torn":null}"#);
    assert_eq!(
        told,
        r#"{"done":"forgot 5 bytes in 1 files and 2 changes of names"}"#
    );
    assert_eq!(read("deep/journal").as_deref(), Some("one"));
    assert_eq!((read("new"), read("newer")), (None, None));
    assert!(disk.order("nonsense").starts_with(r#"{"failed":"#));

    // What is removed while it is listed does not hide the rest.
    for name in 0..300 {
        fs::write(at.join(format!("deep/{name}")), "").expect("writable");
    }
    fs::remove_dir_all(at.join("deep")).expect("empty, file by file");
    fs::write(at.join("kept"), "four").expect("writable");
    assert_eq!(mounts(&place).len(), 1);
    drop(disk);
    assert_eq!(mounts(&place), Vec::<String>::new());
    assert_eq!(read("kept").as_deref(), Some("four"), "poured out");
    assert!(!place.path().join("store").exists());
}

const RUN: &str = "test register --seed 11 --time-limit 9 --rtt-scale 0.1 --rate 100";

/// Runs a fault on real regions; where nothing can be mounted it must say so in the journal.
fn takes_hold(fault: &str, sign: &str) {
    let place = Place::new();
    let line = format!("{RUN} --faults {fault}");
    let ended = place.run(&line);
    assert_eq!(ended.code, 0, "{line}: {}{}", ended.out, ended.err);
    let told = place.faults();
    let installed = can_mount();
    for action in ["start", "stop"] {
        let has = |wanted: &str| told.iter().any(|it| it[1] == action && it[2] == wanted);
        assert_eq!(has("installed"), installed, "{action}: {told:?}");
        assert_eq!(has("skipped"), !installed, "{action}: {told:?}");
    }
    let sign = if installed { sign } else { "/dev/fuse" };
    assert!(told.iter().any(|it| it[3].contains(sign)), "{told:?}");
    assert_eq!(mounts(&place), Vec::<String>::new());
    assert_eq!(place.orphans(), Vec::<String>::new());
}

#[test]
fn power_losses_take_hold_of_real_regions_and_nothing_acknowledged_is_lost() {
    takes_hold("power-loss", "forgot ");
}

#[test]
fn read_errors_take_hold_of_real_regions_and_no_answer_is_wrong() {
    takes_hold("read-errors", "blocks are unreadable; it ");
}

#[test]
fn flipped_bits_take_hold_of_real_regions_and_reach_nobody() {
    takes_hold("flipped-bits", "blocks; it ");
}

#[test]
fn who_answers_before_the_fsync_is_caught_by_a_power_loss_and_not_by_a_kill() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let defect = "--defect ack-before-fsync --faults";
    // Three losses in which nothing survives: one alone may come just after an fsync.
    let losses = RUN.replace("--seed 11 --time-limit 9", "--seed 4 --time-limit 14");
    let ended = place.run(&format!("{losses} {defect} power-loss"));
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    let ended = place.run(&format!("{RUN} {defect} kill"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn no_mount_is_left_by_a_harness_that_is_killed() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let mut child = place.start(
        "test register --seed 3 --time-limit 600 --rtt-scale 0.1 --rate 100 --faults power-loss",
    );
    place.wait_for_history(500);
    assert_eq!(mounts(&place).len(), 3, "one for each region");
    child.kill().and_then(|()| child.wait()).expect("it runs");
    wait_until("nothing is left", || {
        place.orphans().is_empty() && mounts(&place).is_empty()
    });
    // What the regions had stored lies where it was.
    let data = place.latest().join("data");
    let kept = data.join("us-east-1.disk/data/format");
    assert!(kept.exists(), "{}", kept.display());
}
