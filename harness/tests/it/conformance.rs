//! The conformance suite against our replicas, in both arms.

use crate::dateline::Place;

#[test]
fn replicas_as_processes_answer_as_documented() {
    let ended = Place::new().run("conformance");
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains(" 0 failed"), "{}", ended.out);
}

#[test]
fn the_simulation_plays_every_case() {
    let ended = Place::new().run("conformance --arm simulation");
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains(" 0 failed, 0 skipped"), "{}", ended.out);
}

#[test]
fn regions_that_nobody_serves_fail_and_say_why() {
    let ended = Place::new().run(
        "conformance --only unknown --endpoint a=127.0.0.1:9 --endpoint b=127.0.0.1:9 --endpoint c=127.0.0.1:9",
    );
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(
        ended.out.contains("no answer: nobody listens there"),
        "{}",
        ended.out
    );
}
