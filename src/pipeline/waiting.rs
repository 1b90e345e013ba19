//! Partitions that nobody has taken yet, and which of them goes next: one of the table that would be
//! ready last if none of it were taken. So a table with much to load or much to finish begins early,
//! and tables share the connections where one alone would not be done sooner: several backends that
//! extend one table's file wait for each other.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::pipeline::context::TableLoad;

#[derive(Default)]
pub struct Waiting {
    /// Partitions that were begun and gave their place up: the last goes on first.
    parked: Vec<(Arc<TableLoad>, u32)>,
    /// Tables of which at least one partition waits, in the order in which they came.
    tables: Vec<Table>,
}

struct Table {
    load: Arc<TableLoad>,
    numbers: VecDeque<u32>,
    /// Of its partitions.
    on_their_way: usize,
    /// Of an average partition.
    weight: u64,
    finish_weight: u64,
}

impl Table {
    /// When it would be ready, in weight, if none of its partitions were taken now: what is left of
    /// it, shared by one worker more than it has, and no sooner than one partition takes. Those on
    /// their way are half done on average.
    fn lasts(&self) -> u128 {
        let (weight, on_their_way) = (u128::from(self.weight), self.on_their_way as u128);
        let halves = 2 * self.numbers.len() as u128 + on_their_way;
        let left = weight * halves / (2 * (on_their_way + 1));
        left.max(weight) + u128::from(self.finish_weight)
    }
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.parked.is_empty() && self.tables.is_empty()
    }

    pub fn len(&self) -> usize {
        let waiting = self.tables.iter().map(|table| table.numbers.len());
        self.parked.len() + waiting.sum::<usize>()
    }

    /// Partitions of a table, `on_their_way` others of which are loaded at this moment.
    pub fn add(
        &mut self,
        load: &Arc<TableLoad>,
        numbers: impl IntoIterator<Item = u32>,
        on_their_way: usize,
    ) {
        let numbers = numbers.into_iter();
        let weight = load.weight_of_partition();
        if let Some(table) = self.table(load) {
            table.numbers.extend(numbers);
            table.weight = weight;
            return;
        }
        let numbers = numbers.collect::<VecDeque<_>>();
        if !numbers.is_empty() {
            self.tables.push(Table {
                load: Arc::clone(load),
                numbers,
                on_their_way,
                weight,
                finish_weight: load.finish_weight(),
            });
        }
    }

    /// Goes on before others begin.
    pub fn put_back(&mut self, load: &Arc<TableLoad>, number: u32) {
        self.parked.push((Arc::clone(load), number));
    }

    /// A partition and its table.
    pub fn take(&mut self) -> Option<(Arc<TableLoad>, u32)> {
        if let Some((load, number)) = self.parked.pop() {
            if let Some(table) = self.table(&load) {
                table.on_their_way += 1;
            }
            return Some((load, number));
        }
        let tables = self.tables.iter().enumerate();
        // The first of those that last equally long.
        let (at, _) = tables.rev().max_by_key(|(_, table)| table.lasts())?;
        let table = &mut self.tables[at];
        let number = table.numbers.pop_front()?;
        table.on_their_way += 1;
        let load = Arc::clone(&table.load);
        if table.numbers.is_empty() {
            self.tables.remove(at);
        }
        Some((load, number))
    }

    /// A partition that was taken is on its way no longer.
    pub fn landed(&mut self, load: &Arc<TableLoad>) {
        if let Some(table) = self.table(load) {
            table.on_their_way -= 1;
        }
    }

    fn table(&mut self, load: &Arc<TableLoad>) -> Option<&mut Table> {
        let mut tables = self.tables.iter_mut();
        tables.find(|table| Arc::ptr_eq(&table.load, load))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::sample::{table, table_with_rows};
    use crate::postgres::state::PartitionState::Pending;

    /// Bytes of each table, in the order in which its partitions are taken, while all that were
    /// taken are on their way.
    fn order(tables: &[&Arc<TableLoad>]) -> Vec<u64> {
        let mut waiting = Waiting::default();
        for table in tables {
            let numbers = table.partitions.iter().map(|part| part.number);
            waiting.add(table, numbers, 0);
        }
        let total = waiting.len();
        let taken = std::iter::from_fn(|| waiting.take());
        let order = taken.map(|(table, _)| table.weight()).collect::<Vec<_>>();
        assert_eq!(order.len(), total);
        assert!(waiting.is_empty());
        order
    }

    #[test]
    fn tables_share_the_places_by_what_is_left_of_them() {
        let large = table(90, &[Pending; 9]);
        let (middle, small) = (table(60, &[Pending; 6]), table(8, &[Pending]));
        // 90 against 60; then 85 / 2 = 42 against 60; then 42 against 27; then 80 / 3 = 26.
        let order = order(&[&small, &middle, &large]);
        assert_eq!(order[..4], [90, 60, 90, 60]);
        assert_eq!(order.last(), Some(&8), "nothing waits for the smallest");
    }

    #[test]
    fn a_table_of_one_large_partition_is_not_left_for_the_end() {
        let (one, many) = (table(40, &[Pending]), table(60, &[Pending; 6]));
        assert_eq!(order(&[&many, &one])[..2], [60, 40]);
    }

    #[test]
    fn what_takes_long_to_finish_begins_before_what_takes_as_long_to_load() {
        let wide = table(3_000_000, &[Pending; 3]);
        let narrow = table_with_rows(2_400_000, 40_000, &[Pending; 3]);
        assert_eq!(order(&[&wide, &narrow])[0], 2_400_000);
    }

    #[test]
    fn equal_tables_go_in_the_order_in_which_they_came() {
        let tables = [table(5, &[Pending]), table(5, &[Pending])];
        let mut waiting = Waiting::default();
        for table in &tables {
            waiting.add(table, [1], 0);
        }
        for table in &tables {
            let (taken, _) = waiting.take().expect("two wait");
            assert!(Arc::ptr_eq(&taken, table));
        }
    }

    #[test]
    fn what_has_landed_makes_room_for_the_same_table_again() {
        let (large, small) = (table(90, &[Pending; 9]), table(50, &[Pending; 5]));
        let mut waiting = Waiting::default();
        waiting.add(&large, 1..=9, 0);
        waiting.add(&small, 1..=5, 0);
        let mut next = || waiting.take().expect("a partition waits").0.weight();
        assert_eq!([next(), next()], [90, 50]);
        waiting.landed(&large);
        waiting.landed(&small);
        assert_eq!(waiting.take().map(|(table, _)| table.weight()), Some(90));
    }

    #[test]
    fn a_table_that_comes_again_knows_what_is_on_its_way() {
        let (large, small) = (table(90, &[Pending; 9]), table(50, &[Pending; 5]));
        let mut waiting = Waiting::default();
        waiting.add(&small, 1..=5, 0);
        // Four of its partitions are loaded at this moment: (5 + 2) * 10 / 5, against 50.
        waiting.add(&large, 5..=9, 4);
        assert_eq!(waiting.take().map(|(table, _)| table.weight()), Some(50));
    }

    #[test]
    fn what_was_parked_goes_on_first_and_the_last_of_it_before_the_others() {
        let open = table(90, &[Pending; 9]);
        let mut waiting = Waiting::default();
        waiting.add(&open, 3..=9, 0);
        waiting.put_back(&open, 1);
        waiting.put_back(&open, 2);
        assert_eq!(waiting.len(), 9);
        let numbers = [(); 3].map(|()| waiting.take().map(|(_, number)| number));
        assert_eq!(numbers, [Some(2), Some(1), Some(3)]);
    }
}
