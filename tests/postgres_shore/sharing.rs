//! Partitions among processes: a living one keeps what it has, a dead one nothing, and no commit of an older
//! claim is taken.

use migrate::error::Kind;
use migrate::postgres::connect::Connector;
use migrate::postgres::copy::{Claimed, End, PartitionWriter};
use migrate::postgres::member::Member;
use migrate::postgres::state::{self, Claimant, GiveBack, NewMember, OpenTable};

use crate::plans::{JOB, Job, batch, connect, made, new_run, posts};
use crate::support::postgres::{Database, Postgres};

async fn member(connector: &Connector) -> Member {
    let new = NewMember {
        job: JOB,
        leads: false,
    };
    Member::enter(connector, new).await.unwrap()
}

/// A job whose partitions are open to members, and how to reach it.
async fn open(database: &Database<'_>, partitions: usize) -> (Connector, Job) {
    let job = made(database, posts(), partitions).await;
    let lease = job.pool.acquire().await.unwrap();
    let open = OpenTable {
        table: &job.key,
        weight: 7,
    };
    state::open_tables(&lease, JOB, job.run, &[open])
        .await
        .unwrap();
    let (connector, _) = connect(database).await;
    drop(lease);
    (connector, job)
}

fn of(job: &Job, member: &Member) -> Claimant {
    Claimant {
        run: job.run,
        member: Some(member.id),
    }
}

async fn take(job: &Job, member: &Member) -> Option<u32> {
    let taken = state::take_next(&member.session(), JOB, of(job, member), &[]).await;
    taken.unwrap().map(|(_, number)| number)
}

async fn claim(job: &Job, claimant: Claimant, number: u32) -> Claimed {
    let lease = job.pool.acquire().await.unwrap();
    let claimed = PartitionWriter::claim(lease, job.copy.clone(), number, claimant).await;
    claimed.unwrap()
}

async fn give_back(job: &Job, member: &Member, number: u32, to: GiveBack) {
    let part = (&job.key, number);
    let session = member.session();
    let given = state::give_back(&session, part, of(job, member), to).await;
    given.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_take_each_partition_once_and_none_of_a_table_that_is_not_open() {
    let database = Postgres::shared().database();
    let (connector, job) = open(&database, 3).await;
    let (one, two) = (member(&connector).await, member(&connector).await);
    assert_ne!(one.id, two.id);
    let mut taken = vec![
        take(&job, &one).await,
        take(&job, &two).await,
        take(&job, &one).await,
    ];
    taken.sort_unstable();
    assert_eq!(taken, [Some(1), Some(2), Some(3)]);
    assert_eq!(take(&job, &two).await, None);
    database.sql("UPDATE _migrate.partitions SET state = 'pending', member = NULL");
    let left_out = [job.key.clone()];
    let claimant = of(&job, &one);
    let none = state::take_next(&one.session(), JOB, claimant, &left_out).await;
    assert_eq!(none.unwrap(), None, "the table is left out");
    database.sql("UPDATE _migrate.tables SET open_to = 0");
    assert_eq!(take(&job, &one).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_living_member_has_is_left_to_it_and_free_when_its_session_ends() {
    let database = Postgres::shared().database();
    let (connector, job) = open(&database, 1).await;
    let (one, two) = (member(&connector).await, member(&connector).await);
    assert_eq!(take(&job, &one).await, Some(1));
    let mut writer = claim(&job, of(&job, &one), 1).await.writer().unwrap();
    for other in [Claimant::from(job.run), of(&job, &two)] {
        assert!(matches!(claim(&job, other, 1).await, Claimed::Elsewhere));
    }
    assert_eq!(take(&job, &two).await, None);
    let members = state::living_members(&two.session(), JOB).await.unwrap();
    assert_eq!(members.len(), 2);
    // As if its machine were gone: the server has the session no more, the data connection lives on.
    let pid =
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = ";
    database.sql(&format!("{pid}{}", one.id.0));
    while state::living_members(&two.session(), JOB)
        .await
        .unwrap()
        .len()
        > 1
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(take(&job, &two).await, Some(1));
    writer.write(batch(&[(1, None)])).await.unwrap();
    let overtaken = writer.commit(End::Partition).await.map(drop);
    assert_eq!(overtaken.unwrap_err().kind(), Kind::Checkpoint);
    drop(writer);
    assert_eq!(database.value("SELECT count(*) FROM app.posts"), "0");
    let mut writer = claim(&job, of(&job, &two), 1).await.writer().unwrap();
    writer.write(batch(&[(1, None)])).await.unwrap();
    writer.commit(End::Partition).await.unwrap();
    assert_eq!(database.value("SELECT count(*) FROM app.posts"), "1");
    assert!(matches!(
        claim(&job, Claimant::from(job.run), 1).await,
        Claimed::Done
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leaders_partitions_are_its_own_until_a_younger_run_has_the_job() {
    let database = Postgres::shared().database();
    let (connector, job) = open(&database, 1).await;
    let one = member(&connector).await;
    let leader = Claimant::from(job.run);
    let writer = claim(&job, leader, 1).await.writer();
    assert!(writer.is_some());
    assert_eq!(take(&job, &one).await, None);
    assert!(matches!(
        claim(&job, of(&job, &one), 1).await,
        Claimed::Elsewhere
    ));
    let lease = job.pool.acquire().await.unwrap();
    let young = state::start_run(&lease, &new_run()).await.unwrap();
    let open = OpenTable {
        table: &job.key,
        weight: 7,
    };
    state::open_tables(&lease, JOB, young, &[open])
        .await
        .unwrap();
    assert_eq!(take(&job, &one).await, None, "a member of the old run");
    let claimant = Claimant {
        run: young,
        member: Some(one.id),
    };
    let taken = state::take_next(&one.session(), JOB, claimant, &[]).await;
    assert_eq!(taken.unwrap().map(|(_, number)| number), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_gives_back_goes_to_all_or_to_the_leader() {
    let database = Postgres::shared().database();
    let (connector, job) = open(&database, 1).await;
    let (one, two) = (member(&connector).await, member(&connector).await);
    assert_eq!(take(&job, &one).await, Some(1));
    give_back(&job, &two, 1, GiveBack::ToAll).await;
    assert_eq!(
        take(&job, &two).await,
        None,
        "it was not the other's to give"
    );
    give_back(&job, &one, 1, GiveBack::ToAll).await;
    assert_eq!(take(&job, &two).await, Some(1));
    give_back(&job, &two, 1, GiveBack::ToLeader).await;
    assert_eq!(take(&job, &one).await, None);
    let lease = job.pool.acquire().await.unwrap();
    let parts = state::shared_partitions(&lease, JOB, &[&job.key]).await;
    let parts = parts.unwrap();
    assert_eq!((parts[0].done, parts[0].held), (false, false));
    drop(lease);
    let leader = Claimant::from(job.run);
    assert!(claim(&job, leader, 1).await.writer().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_leaves_is_listed_no_more_and_may_lead_on_its_session() {
    let database = Postgres::shared().database();
    let (connector, job) = open(&database, 1).await;
    let one = member(&connector).await;
    state::note(&one.session(), one.id, "loads 1 of dbo.Posts", 3)
        .await
        .unwrap();
    let lease = job.pool.acquire().await.unwrap();
    let members = state::listed_members(&lease, JOB).await.unwrap();
    let doing = (members[0].doing.as_str(), members[0].idle, members[0].leads);
    assert_eq!(doing, ("loads 1 of dbo.Posts", 3, false));
    let view = one.look(JOB).await.unwrap();
    assert_eq!(view.leader, None);
    let lock = one.try_to_lead(JOB).await.unwrap().expect("the job lock");
    let view = one.look(JOB).await.unwrap();
    assert_eq!(view.leader, Some(lock.backend_pid()));
    one.leave().await;
    assert!(state::listed_members(&lease, JOB).await.unwrap().is_empty());
    let two = member(&connector).await;
    assert!(two.try_to_lead(JOB).await.unwrap().is_none());
    lock.release().await.unwrap();
    assert!(two.try_to_lead(JOB).await.unwrap().is_some());
}
