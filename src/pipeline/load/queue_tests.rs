//! Which work the queue gives out, and when.

use super::*;
use crate::pipeline::fixtures::{range, table, table_with_rows};
use crate::postgres::state::PartitionState::{Done, Pending};

fn partition(queue: &WorkQueue) -> Arc<ActivePartition> {
    match queue.take() {
        Next::Load(partition) => partition,
        _ => panic!("nothing to load"),
    }
}

fn waits(queue: &WorkQueue) -> bool {
    matches!(queue.take(), Next::Wait)
}

fn over(queue: &WorkQueue) -> bool {
    matches!(queue.take(), Next::Over)
}

/// Loads it as a worker does; true for the table's last partition.
fn load(queue: &WorkQueue, partition: &Arc<ActivePartition>) -> bool {
    let last = partition.table.partition_done();
    if last {
        queue.add_finish(&partition.table);
    }
    queue.loaded(partition);
    last
}

fn finish(queue: &WorkQueue) -> Arc<TableLoad> {
    match queue.take() {
        Next::Finish(table) => table,
        _ => panic!("nothing to finish"),
    }
}

fn together(queue: &WorkQueue) -> usize {
    match queue.take() {
        Next::FinishTogether(tables) => tables.len(),
        _ => panic!("nothing to finish together"),
    }
}

#[test]
fn small_tables_are_finished_together_and_after_large_ones() {
    let mut small: Vec<_> = (0..3).map(|_| table(10, &[Done])).collect();
    for table in &mut small {
        Arc::get_mut(table).expect("the only one").can_share = true;
    }
    let large = table(30, &[Done]);
    let loads = vec![large, table(20, &[Pending]), table(20, &[Pending])];
    let queue = WorkQueue::new(&[small, loads].concat(), 2, 1);
    assert_eq!(finish(&queue).weight(), 30);
    let first = partition(&queue);
    assert!(waits(&queue), "more small tables may come");
    queue.loaded(&first);
    let last = partition(&queue);
    queue.loaded(&last);
    assert_eq!(together(&queue), 3);
    queue.finished();
    queue.finished();
    assert!(over(&queue));
}

#[test]
fn tables_share_the_level_and_are_finished_before_what_is_left_to_load() {
    let (small, large) = (table(10, &[Pending]), table(30, &[Pending, Done, Pending]));
    let queue = WorkQueue::new(&[small, large], 1, 2);
    // Both would take as long as a partition of 10, so they go in the order of the plan.
    let (one, other) = (partition(&queue), partition(&queue));
    assert_eq!(queue.in_flight(), (2, true));
    assert!(waits(&queue));
    let numbers = [&one, &other].map(|partition| (partition.table.weight(), partition.number));
    assert_eq!(numbers, [(10, 1), (30, 1)]);
    assert!(load(&queue, &one));
    assert!(
        Arc::ptr_eq(&finish(&queue), &one.table),
        "before what is left to load"
    );
    let last = partition(&queue);
    assert_eq!((last.table.weight(), last.number), (30, 3));
    assert!(!load(&queue, &other));
    assert!(load(&queue, &last));
    assert!(waits(&queue), "one table is finished at a time");
    queue.finished();
    finish(&queue);
    assert!(waits(&queue), "it may leave something to do");
    queue.finished();
    assert!(over(&queue));
}

#[test]
fn heavier_partitions_go_before_lighter_ones() {
    let (small, large) = (table(10, &[Pending]), table(30, &[Pending]));
    let queue = WorkQueue::new(&[small, large], 1, 9);
    assert_eq!(partition(&queue).table.weight(), 30);
    assert_eq!(partition(&queue).table.weight(), 10);
}

#[test]
fn a_table_whose_rows_are_all_there_is_only_finished() {
    let (short, long) = (
        table_with_rows(8, 1, &[Done]),
        table_with_rows(7, 2, &[Done]),
    );
    let queue = WorkQueue::new(&[short, long], 2, 9);
    assert_eq!(finish(&queue).weight(), 7, "the one with more to finish");
    assert_eq!(finish(&queue).weight(), 8);
    queue.finished();
    queue.finished();
    assert!(over(&queue));
}

#[test]
fn tables_are_counted_when_nothing_waits_to_be_loaded_and_before_it_is_over() {
    let (ready, open) = (table(1, &[Done]), table(2, &[Pending, Pending]));
    let queue = WorkQueue::new(&[Arc::clone(&ready), open], 1, 2);
    let table = finish(&queue);
    queue.add_count(&table);
    queue.finished();
    let one = partition(&queue);
    let other = partition(&queue);
    let Next::Count(counted) = queue.take() else {
        panic!("every partition is active, so a table is counted");
    };
    assert!(Arc::ptr_eq(&counted, &ready));
    load(&queue, &one);
    load(&queue, &other);
    finish(&queue);
    queue.finished();
    assert!(waits(&queue), "a count is still in progress");
    queue.counted();
    assert!(over(&queue));
}

#[test]
fn a_count_waits_for_partitions_that_are_not_taken() {
    let open = table(2, &[Pending, Pending]);
    let queue = WorkQueue::new(&[Arc::clone(&open)], 1, 1);
    let one = partition(&queue);
    queue.add_count(&open);
    assert!(waits(&queue));
    load(&queue, &one);
    partition(&queue);
    assert!(matches!(queue.take(), Next::Count(_)));
}

#[test]
fn what_a_split_made_is_loaded_once_and_keeps_its_table_open() {
    let table = table(8, &[Pending]);
    let queue = WorkQueue::new(&[Arc::clone(&table)], 1, 9);
    let first = partition(&queue);
    queue.add_partitions(&table, &[1, 2, 3]);
    // The answer of a cut was lost, so its record is read once more.
    queue.add_partitions(&table, &[2, 3]);
    assert!(!load(&queue, &first), "two are left");
    let (second, third) = (partition(&queue), partition(&queue));
    assert_eq!((second.number, third.number), (2, 3));
    assert!(!load(&queue, &second));
    assert!(load(&queue, &third));
    finish(&queue);
}

#[test]
fn a_lower_level_parks_the_newest_and_they_go_on_before_others_begin() {
    let queue = WorkQueue::new(&[table(90, &[Pending; 4])], 1, 3);
    let active = [partition(&queue), partition(&queue), partition(&queue)];
    for partition in &active[..2] {
        partition.begin_reading(&range(None, None), None);
    }
    queue.set_limit(1);
    // The third is not read yet and cannot pause, so both others are asked.
    let asked = active.each_ref().map(|partition| partition.take_request());
    assert_eq!(asked, [Some(Request::Park), Some(Request::Park), None]);
    assert!(waits(&queue));
    queue.put_back(&active[1]);
    queue.loaded(&active[1]);
    queue.set_limit(3);
    let again = partition(&queue);
    assert_eq!((again.table.weight(), again.number), (90, 2));
}

#[test]
fn a_higher_level_brings_a_large_partition_to_the_front() {
    let many = [(); 2].map(|()| table(100, &[Pending; 10]));
    let [one, other] = &many;
    let single = table(40, &[Pending]);
    let queue = WorkQueue::new(&[single, Arc::clone(one), Arc::clone(other)], 1, 2);
    assert!(Arc::ptr_eq(&partition(&queue).table, one), "50 against 40");
    queue.set_limit(8);
    assert_eq!(partition(&queue).table.weight(), 40, "against 12");
}

#[test]
fn what_was_asked_to_park_counts_as_parked_when_the_level_falls_again() {
    let queue = WorkQueue::new(&[table(90, &[Pending; 4])], 1, 4);
    let active = [(); 4].map(|()| partition(&queue));
    for partition in &active {
        partition.begin_reading(&range(None, None), None);
    }
    queue.set_limit(3);
    queue.set_limit(2);
    let asked = active.each_ref().map(|partition| partition.take_request());
    assert_eq!(
        asked,
        [None, None, Some(Request::Park), Some(Request::Park)]
    );
}

#[test]
fn there_is_room_for_what_idle_workers_could_load_if_there_were_any() {
    let open = table(2, &[Pending, Pending]);
    let queue = WorkQueue::new(&[open], 1, 4);
    let idle = [queue.idle(), queue.idle(), queue.idle()];
    partition(&queue);
    assert_eq!(queue.room(), 0, "a partition waits to be taken");
    partition(&queue);
    assert_eq!(queue.room(), 2, "of four, two are active");
    drop(idle);
    assert_eq!(queue.room(), 0, "no worker is idle");
}

#[test]
fn it_is_not_over_before_the_tables_that_are_still_to_come() {
    let queue = WorkQueue::new(&[table(5, &[Pending, Pending])], 1, 9);
    queue.expect_more();
    partition(&queue);
    queue.add_tables(&[
        table(9, &[Pending]),
        table(1, &[Pending]),
        table(2, &[Done]),
    ]);
    queue.expect_no_more();
    finish(&queue);
    queue.finished();
    let weights = [(); 3].map(|()| partition(&queue).table.weight());
    assert_eq!(weights, [9, 1, 5], "in one order with what was there");

    let empty = WorkQueue::new(&[], 1, 9);
    empty.expect_more();
    assert!(waits(&empty));
    empty.add_tables(&[]);
    assert!(waits(&empty));
    empty.expect_no_more();
    assert!(over(&empty));
}

#[tokio::test]
async fn no_change_is_missed_between_a_look_and_a_wait() {
    let open = table(2, &[Pending]);
    let queue = WorkQueue::new(&[Arc::clone(&open)], 1, 4);
    let changed = queue.changed();
    tokio::pin!(changed);
    changed.as_mut().enable();
    partition(&queue);
    queue.add_finish(&open);
    changed.await;
}
