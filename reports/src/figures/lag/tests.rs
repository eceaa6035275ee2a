use super::*;

fn meter() -> LagMeter {
    LagMeter::new(1_000)
}

fn figures(meter: LagMeter) -> Vec<LagFigures> {
    meter.finish(|region| format!("r{region}"))
}

#[test]
fn the_bounds_contain_the_lag() {
    let mut meter = meter();
    meter.write_called(1, 0, 1, 100);
    meter.write_returned(1, 1, Some(110));
    meter.read(1, 1, None, 120, 130);
    meter.read(1, 1, None, 140, 150);
    meter.read(1, 1, Some(1), 160, 175);
    let lag = figures(meter);
    assert_eq!(lag.len(), 1);
    assert_eq!((lag[0].from.as_str(), lag[0].to.as_str()), ("r0", "r1"));
    assert_eq!(
        (lag[0].lower.max_ns, lag[0].upper.max_ns, lag[0].unseen),
        (30, 75, 0)
    );
}

#[test]
fn one_read_after_a_partition_sees_everything_at_once() {
    let mut meter = meter();
    for value in 1..=10 {
        let call_ns = u64::try_from(value).unwrap() * 1_000;
        meter.write_called(1, 0, value, call_ns);
        meter.write_returned(1, value, Some(call_ns + 10));
        meter.read(1, 2, Some(0), call_ns + 20, call_ns + 30);
    }
    meter.read(1, 2, Some(10), 20_000, 20_010);
    let lag = figures(meter);
    assert_eq!(lag[0].upper.count, 10);
    assert_eq!(lag[0].points.len(), 10);
    assert_eq!(lag[0].points[0].upper_max_ns, 19_010);
    assert_eq!(lag[0].points[0].lower_max_ns, 10_020 - 1_010);
    assert_eq!(lag[0].points[9].upper_max_ns, 10_010);
}

#[test]
fn a_value_seen_before_its_acknowledgement_has_a_lower_bound_of_nothing() {
    let mut meter = meter();
    meter.read(1, 1, None, 50, 60);
    meter.write_called(1, 0, 1, 100);
    meter.read(1, 1, Some(1), 105, 115);
    meter.write_returned(1, 1, Some(120));
    let lag = figures(meter);
    assert_eq!(
        (lag[0].lower.max_ns, lag[0].upper.max_ns, lag[0].unseen),
        (0, 15, 0)
    );
}

#[test]
fn what_nobody_knows_is_left_out_and_what_was_never_seen_is_counted() {
    let mut meter = meter();
    meter.write_called(1, 0, 1, 100);
    meter.write_returned(1, 1, None);
    meter.write_called(1, 0, 2, 200);
    meter.write_returned(1, 2, Some(210));
    meter.write_called(1, 0, 3, 300);
    meter.write_returned(1, 3, Some(310));
    meter.read(1, 2, None, 390, 395);
    meter.read(1, 1, Some(2), 400, 410);
    let lag = figures(meter);
    assert_eq!((lag[0].upper.count, lag[0].unseen), (1, 1));
    assert_eq!((lag[1].upper.count, lag[1].unseen), (0, 2));
}

#[test]
fn reads_of_the_writer_itself_and_writes_of_another_region_say_nothing() {
    let mut meter = meter();
    meter.write_called(1, 0, 1, 100);
    meter.write_returned(1, 1, Some(110));
    meter.write_called(1, 1, 2, 100);
    meter.read(1, 0, Some(1), 120, 130);
    assert_eq!(figures(meter), []);
}
