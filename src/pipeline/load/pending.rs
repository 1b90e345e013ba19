//! Partitions that no worker has taken yet, and which of them is next.
//!
//! Tables are begun in the order of how long each would take if it had all connections to itself, as
//! many as there are at the moment, including the making of its indexes, so that nothing long is left
//! for the end. Two tables share the connections evenly: backends that extend one table's file wait for
//! each other, and tables that are loaded side by side come to be finished side by side, with less and
//! less left to load meanwhile.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::pipeline::context::TableLoad;

/// Tables that share the connections while partitions of theirs wait.
const SHARING: usize = 2;

/// The partitions that wait, by table.
pub struct PendingPartitions {
    /// How many partitions may be active.
    connections: usize,
    /// Partitions that were begun and parked: the last one continues first.
    parked: Vec<(Arc<TableLoad>, u32)>,
    /// Tables of which at least one partition waits; the one that takes longest is first.
    tables: VecDeque<PendingTable>,
}

struct PendingTable {
    load: Arc<TableLoad>,
    numbers: VecDeque<u32>,
    /// How many partitions it came with: a table that was begun keeps its place.
    partitions: usize,
    /// How long it would take with all connections to itself, in bytes of one connection.
    takes: u64,
}

impl PendingPartitions {
    /// Nothing waits yet; `connections` is how many partitions may be active.
    pub fn new(connections: usize) -> Self {
        Self {
            connections,
            parked: Vec::new(),
            tables: VecDeque::new(),
        }
    }

    /// Whether no partition waits.
    pub fn is_empty(&self) -> bool {
        self.parked.is_empty() && self.tables.is_empty()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let pending = self.tables.iter().map(|table| table.numbers.len());
        self.parked.len() + pending.sum::<usize>()
    }

    /// Adds the partitions of tables that are not here yet.
    pub fn add(&mut self, tables: impl IntoIterator<Item = (Arc<TableLoad>, VecDeque<u32>)>) {
        let tables = tables
            .into_iter()
            .filter(|(_, numbers)| !numbers.is_empty());
        self.tables
            .extend(tables.map(|(load, numbers)| PendingTable {
                takes: takes(&load, numbers.len(), self.connections),
                partitions: numbers.len(),
                load,
                numbers,
            }));
        self.sort();
    }

    /// Sorts the tables for another number of connections: one large partition takes as long as before.
    pub fn set_connections(&mut self, connections: usize) {
        self.connections = connections;
        for table in &mut self.tables {
            table.takes = takes(&table.load, table.partitions, connections);
        }
        self.sort();
    }

    fn sort(&mut self) {
        let tables = self.tables.make_contiguous();
        tables.sort_by_key(|table| Reverse(table.takes));
    }

    /// Adds partitions of a table that a split made.
    pub fn add_split_off(&mut self, load: &Arc<TableLoad>, numbers: Vec<u32>) {
        let mut tables = self.tables.iter_mut();
        match tables.find(|table| Arc::ptr_eq(&table.load, load)) {
            Some(table) => table.numbers.extend(numbers),
            None => self.add([(Arc::clone(load), numbers.into())]),
        }
    }

    /// Puts a parked partition back; it continues before others begin.
    pub fn put_back(&mut self, load: &Arc<TableLoad>, number: u32) {
        self.parked.push((Arc::clone(load), number));
    }

    /// Takes the next partition, with its table.
    pub fn take(&mut self) -> Option<(Arc<TableLoad>, u32)> {
        if let Some(parked) = self.parked.pop() {
            return Some(parked);
        }
        // The one with the fewest connections, the first of several.
        let sharing = self.tables.iter().take(SHARING).enumerate();
        let (at, _) = sharing.min_by_key(|(_, table)| table.load.active_partitions())?;
        let table = &mut self.tables[at];
        let number = table.numbers.pop_front()?;
        let load = Arc::clone(&table.load);
        if table.numbers.is_empty() {
            self.tables.remove(at);
        }
        Some((load, number))
    }
}

/// How long a table takes: no less than one of its partitions, and its indexes.
fn takes(load: &TableLoad, partitions: usize, connections: usize) -> u64 {
    let weight = load.weight_of_partition();
    let whole = weight.saturating_mul(partitions as u64);
    let alone = weight.max(whole / connections.max(1) as u64);
    alone.saturating_add(load.finish_weight())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixtures::{table, table_with_rows};
    use crate::postgres::state::PartitionState::Pending;

    fn pending(tables: &[&Arc<TableLoad>], connections: usize) -> PendingPartitions {
        let mut pending = PendingPartitions::new(connections);
        let tables = tables.iter().map(|table| {
            let numbers = table.partitions.iter().map(|part| part.number);
            (Arc::clone(table), numbers.collect())
        });
        pending.add(tables);
        pending
    }

    /// Takes `count` partitions and makes them active; gives the bytes of the table of each.
    fn take(pending: &mut PendingPartitions, count: usize) -> Vec<u64> {
        let taken = std::iter::from_fn(|| pending.take()).take(count);
        let begun = taken.map(|(table, _)| {
            table.take_partition();
            table.weight()
        });
        begun.collect()
    }

    #[test]
    fn two_tables_share_the_connections_and_the_third_follows_the_first_that_is_taken_whole() {
        let large = table(90, &[Pending; 5]);
        let (middle, small) = (table(60, &[Pending; 2]), table(48, &[Pending; 2]));
        let mut pending = pending(&[&small, &large, &middle], 1);
        assert_eq!(take(&mut pending, 5), [90, 60, 90, 60, 48]);
        assert_eq!(take(&mut pending, 99), [48, 90, 90, 90]);
        assert!(pending.is_empty());
    }

    #[test]
    fn what_is_done_makes_room_for_the_same_table_again() {
        let (large, small) = (table(90, &[Pending; 9]), table(60, &[Pending; 6]));
        let mut pending = pending(&[&large, &small], 1);
        assert_eq!(take(&mut pending, 3), [90, 60, 90]);
        large.release_partition();
        large.release_partition();
        assert_eq!(take(&mut pending, 2), [90, 90]);
        assert_eq!(take(&mut pending, 1), [60]);
    }

    #[test]
    fn a_table_of_one_large_partition_is_begun_before_what_many_can_share() {
        let (one, many) = (table(40, &[Pending]), table(60, &[Pending; 6]));
        assert_eq!(take(&mut pending(&[&many, &one], 4), 1), [40], "against 15");
        assert_eq!(take(&mut pending(&[&many, &one], 1), 1), [60]);
    }

    #[test]
    fn with_more_connections_one_large_partition_comes_to_the_front() {
        let (one, many) = (table(40, &[Pending]), table(100, &[Pending; 10]));
        let mut pending = pending(&[&one, &many], 2);
        assert_eq!(take(&mut pending, 1), [100], "50 against 40");
        many.release_partition();
        pending.set_connections(8);
        assert_eq!(take(&mut pending, 1), [40], "against 12, of all ten");
        one.release_partition();
        pending.set_connections(2);
        assert_eq!(take(&mut pending, 99), [100; 9]);
    }

    #[test]
    fn what_takes_long_to_finish_begins_before_what_takes_as_long_to_load() {
        let wide = table(3_000_000, &[Pending; 3]);
        let narrow = table_with_rows(2_400_000, 40_000, &[Pending; 3]);
        assert_eq!(take(&mut pending(&[&wide, &narrow], 1), 1), [2_400_000]);
    }

    #[test]
    fn equal_tables_are_begun_in_the_order_in_which_they_came() {
        let tables = [(); 4].map(|()| table(20, &[Pending; 4]));
        let mut pending = pending(&tables.each_ref(), 2);
        let taken = std::iter::from_fn(|| pending.take());
        let order = taken.filter_map(|(load, _)| {
            load.take_partition();
            tables.iter().position(|table| Arc::ptr_eq(table, &load))
        });
        let order = order.collect::<Vec<_>>();
        assert_eq!(order, [0, 1, 0, 1, 0, 1, 0, 2, 2, 2, 1, 3, 3, 3, 2, 3]);
    }

    #[test]
    fn what_a_split_made_joins_its_table_or_brings_it_back() {
        let (large, small) = (table(90, &[Pending; 9]), table(50, &[Pending; 5]));
        let mut both = pending(&[&large, &small], 1);
        both.add_split_off(&small, small.add_partitions(&[6, 7]));
        assert_eq!(both.len(), 16);
        let mut one = pending(&[&large], 1);
        one.add_split_off(&small, vec![6, 7]);
        assert_eq!(take(&mut one, 3), [90, 50, 90]);
        assert_eq!(one.len(), 8);
    }

    #[test]
    fn what_was_parked_continues_first_and_the_last_of_it_before_the_others() {
        let open = table(90, &[Pending; 9]);
        let mut pending = pending(&[&open], 1);
        assert_eq!(take(&mut pending, 2), [90, 90]);
        pending.put_back(&open, 1);
        pending.put_back(&open, 2);
        assert_eq!(pending.len(), 9);
        let numbers = [(); 3].map(|()| pending.take().map(|(_, number)| number));
        assert_eq!(numbers, [Some(2), Some(1), Some(3)]);
    }
}
