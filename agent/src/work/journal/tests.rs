//! Tests of the journal as a whole: what the next process knows after changes, crashes, damage and a takeover.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use super::content_and_records::MAX_FINISHED;
use super::writer::{Action, Answer, Request, Writer};
use super::{ItemState, Journal, State, lock};
use crate::server::wire::{CopyRuleFields, Direction, Job, RunEnd, Status};
use crate::work::work_item::{Task, WorkItem};

fn item() -> WorkItem {
    let job = Job {
        id: Uuid::new_v4(),
        name: "nightly".into(),
        source: "/a".into(),
        destination: "/b".into(),
        protocol: "local".into(),
        direction: Direction::Push,
        verify: None,
        rules: CopyRuleFields::default(),
    };
    WorkItem::new(Uuid::new_v4(), Task::Job { job, run: None })
}

/// The keys of the open items that the next process loads from `dir`.
async fn loaded(dir: &Path) -> anyhow::Result<Vec<String>> {
    let journal = Journal::new(dir);
    let keys = journal.load().await?;
    journal.close().await;
    Ok(keys)
}

/// The JSON of the lines of the file.
fn records(dir: &Path) -> anyhow::Result<Vec<Value>> {
    let records = crate::storage::record_log::read_records(&dir.join("journal.log"))?;
    Ok(records.iter().map(|json| serde_json::from_slice(json)).collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn the_next_process_knows_open_and_finished_items() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = Journal::new(dir.path());
    let (open, finished) = (item(), item());
    journal.add(open.clone()).await?;
    journal.add(finished.clone()).await?;
    journal.cancel(&open.key(), Some(Uuid::new_v4())).await?;
    journal.finish(&finished.key()).await?;

    let next = Journal::new(dir.path());
    assert_eq!(next.load().await?, [open.key()]);
    assert_eq!(next.state_of(&open.key()), ItemState::Open);
    assert_eq!(next.state_of(&finished.key()), ItemState::Finished);
    assert_eq!(next.state_of(&item().key()), ItemState::New);
    assert!(next.owns_transfer(open.transfer_key) && !next.owns_transfer(finished.transfer_key));
    assert!(next.cancel_token(&open.key()).is_cancelled());
    Ok(())
}

#[tokio::test]
async fn concurrent_changes_are_all_written() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = Arc::new(Journal::new(dir.path()));
    let mut adding = JoinSet::new();
    for _ in 0..500 {
        let journal = journal.clone();
        adding.spawn(async move { journal.add(item()).await });
    }
    while let Some(added) = adding.join_next().await {
        added??;
    }
    assert_eq!(Journal::read_open(dir.path())?.len(), 500);
    Ok(())
}

#[tokio::test]
async fn ten_thousand_changes_are_read_back_in_their_order() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = Arc::new(Journal::new(dir.path()));
    let items: Vec<WorkItem> = (0..5000).map(|_| item()).collect();
    let mut changing = JoinSet::new();
    for some in items.chunks(50) {
        for item in some.iter().cloned() {
            let journal = journal.clone();
            changing.spawn(async move { journal.add(item).await });
        }
        while let Some(added) = changing.join_next().await {
            added??;
        }
        for item in some.iter().step_by(2).cloned().chain(some.iter().step_by(2).cloned()) {
            let journal = journal.clone();
            changing.spawn(async move { journal.change(&item.key(), |item| item.is_cancelled = true).await });
        }
        while let Some(changed) = changing.join_next().await {
            changed??;
        }
    }
    journal.close().await;
    let next = Journal::new(dir.path());
    let keys = next.load().await?;
    assert_eq!(keys.len(), 5000);
    for (chunk, some) in items.chunks(50).enumerate() {
        // Tasks that run at the same time have no order.
        let loaded: std::collections::BTreeSet<&String> = keys[chunk * 50..(chunk + 1) * 50].iter().collect();
        assert!(some.iter().all(|item| loaded.contains(&item.key())), "chunk {chunk}");
    }
    for (number, item) in items.iter().enumerate() {
        let stored = next.get(&item.key());
        assert_eq!(stored.map(|stored| stored.is_cancelled), Some(number % 2 == 0), "item {number}");
    }
    Ok(())
}

#[tokio::test]
async fn a_change_is_written_when_its_caller_is_cancelled() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = Journal::new(dir.path());
    // Polls the change at least once, and drops it.
    let _ = timeout(Duration::ZERO, journal.add(item())).await;
    journal.close().await;
    assert_eq!(Journal::read_open(dir.path())?.len(), 1);
    assert!(journal.add(item()).await.is_err(), "it is closed");
    Ok(())
}

#[tokio::test]
async fn the_number_of_finished_items_is_bounded() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = Arc::new(Journal::new(dir.path()));
    journal.finish("first").await?;
    let mut finishing = JoinSet::new();
    for number in 1..MAX_FINISHED {
        let journal = journal.clone();
        finishing.spawn(async move { journal.finish(&number.to_string()).await });
    }
    while let Some(finished) = finishing.join_next().await {
        finished??;
    }
    assert_eq!(journal.state_of("first"), ItemState::Finished);
    journal.finish("one more").await?;
    assert_eq!(journal.state_of("first"), ItemState::New);
    let next = Journal::new(dir.path());
    next.load().await?;
    assert_eq!((next.state_of("first"), next.state_of("one more")), (ItemState::New, ItemState::Finished));
    Ok(())
}

/// Sends these actions to a writer as one group. Returns the answers.
fn commit(writer: &mut Writer, actions: Vec<Action>) -> anyhow::Result<Vec<Answer>> {
    let (requests, answers): (Vec<_>, Vec<_>) = actions
        .into_iter()
        .map(|action| {
            let (answer, answered) = oneshot::channel();
            (Request { action, answer }, answered)
        })
        .unzip();
    writer.commit(requests.into_iter());
    answers.into_iter().map(|mut answered: oneshot::Receiver<Answer>| Ok(answered.try_recv()?)).collect()
}

#[test]
fn the_changes_of_a_group_are_applied_and_written_in_their_order() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let state: Arc<Mutex<State>> = Arc::default();
    let mut writer = Writer::new(dir.path().to_owned(), state.clone());
    let (first, second, directive) = (item(), item(), Uuid::new_v4());
    let change = |key: String| Action::Change {
        key,
        change: Box::new(move |item: &mut WorkItem| item.directives_to_acknowledge.push(directive)),
    };
    let actions = vec![
        Action::Load,
        Action::Add(Box::new(first.clone())),
        change("unknown".into()),
        Action::Add(Box::new(second.clone())),
        change(first.key()),
        change(first.key()),
        Action::Finish { key: first.key() },
        change(first.key()),
    ];
    let answers: Vec<Vec<Uuid>> = commit(&mut writer, actions)?.into_iter().collect::<io::Result<_>>()?;
    let mut expected = vec![Vec::new(); 8];
    // The end sees the changes before it, although none of them was written yet.
    expected[6] = vec![directive; 2];
    assert_eq!(answers, expected);
    let written: Vec<(Value, usize)> = records(dir.path())?
        .iter()
        .skip(1)
        .map(|record| {
            let fields = record.get("put").or(record.get("finish")).cloned().unwrap_or_default();
            (fields["key"].clone(), fields["item"]["answers"].as_array().map_or(9, Vec::len))
        })
        .collect();
    let (one, other) = (json!(first.key()), json!(second.key()));
    assert_eq!(written, [(one.clone(), 0), (other, 0), (one.clone(), 1), (one.clone(), 2), (one, 9)]);
    let open: Vec<String> = lock(&state).entries.open().map(WorkItem::key).collect();
    assert_eq!(open, [second.key()]);
    Ok(())
}

#[test]
fn nothing_of_a_group_that_cannot_be_written_counts() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let state: Arc<Mutex<State>> = Arc::default();
    let mut writer = Writer::new(dir.path().to_owned(), state.clone());
    let (kept, refused) = (item(), item());
    for answer in commit(&mut writer, vec![Action::Add(Box::new(kept.clone()))])? {
        answer?;
    }
    writer.fail_next_write()?;
    let end = |item: &mut WorkItem| {
        item.end = Some(RunEnd { status: Status::Completed, bytes_transferred: 0, error_message: None });
    };
    let actions =
        vec![Action::Add(Box::new(refused.clone())), Action::Change { key: kept.key(), change: Box::new(end) }];
    assert!(commit(&mut writer, actions)?.iter().all(Result::is_err));
    let stored = |key: &str| lock(&state).entries.get(key).cloned();
    assert!(stored(&refused.key()).is_none() && stored(&kept.key()).is_some_and(|item| item.end.is_none()));

    // The next change is written, and only what counts stands before it.
    for answer in commit(&mut writer, vec![Action::Change { key: kept.key(), change: Box::new(end) }])? {
        answer?;
    }
    let open = Journal::read_open(dir.path())?;
    assert!(open.len() == 1 && open[0].key() == kept.key() && open[0].end.is_some());
    Ok(())
}

#[test]
fn a_failed_write_is_a_problem_until_the_file_is_written_again() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let state: Arc<Mutex<State>> = Arc::default();
    let mut writer = Writer::new(dir.path().to_owned(), state.clone());
    let problem = || lock(&state).write_error.clone();
    let kept = item();
    assert!(commit(&mut writer, vec![Action::Add(Box::new(kept.clone())), Action::Repair])?.iter().all(Result::is_ok));
    assert_eq!(problem(), None);
    writer.fail_next_write()?;
    assert!(commit(&mut writer, vec![Action::Add(Box::new(item()))])?.iter().all(Result::is_err));
    assert!(problem().is_some_and(|problem| problem.starts_with("cannot write ") && problem.contains("journal.log")));

    assert!(commit(&mut writer, vec![Action::Load])?.iter().all(Result::is_ok), "it writes nothing");
    assert!(problem().is_some());
    assert!(commit(&mut writer, vec![Action::Repair])?.iter().all(Result::is_ok));
    assert_eq!(problem(), None);
    let open: Vec<String> = Journal::read_open(dir.path())?.iter().map(WorkItem::key).collect();
    assert_eq!(open, [kept.key()]);
    Ok(())
}

#[tokio::test]
async fn asking_for_the_problem_lets_the_file_be_written_again() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = Journal::new(dir.path());
    assert_eq!(journal.write_problem(), None);
    // A folder in the place of the file that is written first.
    let temporary = dir.path().join("journal.log.tmp");
    fs::create_dir(&temporary)?;
    assert!(journal.add(item()).await.is_err());
    assert!(journal.write_problem().is_some_and(|problem| problem.contains("journal.log")));
    fs::remove_dir(&temporary)?;
    // Asks again, unless what was asked before is carried out only now. The end comes after both.
    let _ = journal.write_problem();
    journal.close().await;
    assert_eq!(journal.write_problem(), None);
    Journal::new(dir.path()).add(item()).await?;
    assert_eq!(Journal::read_open(dir.path())?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_file_of_an_earlier_version_is_taken_over_and_removed() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (path, previous) = (dir.path().join("errands.json"), dir.path().join("errands.json.bak"));
    let (open, new) = (item(), item());
    let earlier = json!({"open": [open, {"song": 1}], "over": ["step/finished"]}).to_string();
    fs::write(&path, &earlier)?;
    fs::write(&previous, "{}")?;
    assert_eq!(Journal::read_open(dir.path())?.len(), 1, "`status` reads it, and changes nothing");
    assert!(path.exists());

    let journal = Journal::new(dir.path());
    assert_eq!(journal.load().await?, [open.key()]);
    assert_eq!(journal.state_of("step/finished"), ItemState::Finished);
    assert!(!path.exists() && !previous.exists());
    journal.finish(&open.key()).await?;
    journal.add(new.clone()).await?;
    journal.close().await;

    // As if the process had been killed before it removed the file.
    fs::write(&path, &earlier)?;
    assert_eq!(loaded(dir.path()).await?, [new.key()]);
    assert!(!path.exists());
    let songs = records(dir.path())?.iter().filter(|record| record["put"]["item"] == json!({"song": 1})).count();
    assert_eq!(songs, 1, "what only another version can read is kept once");
    Ok(())
}

#[tokio::test]
async fn the_earlier_file_stays_until_the_journal_is_written() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let open = item();
    let path = dir.path().join("errands.json");
    fs::write(&path, json!({"open": [open], "over": []}).to_string())?;
    // A folder in the place of the temporary file: nothing can be written.
    fs::create_dir(dir.path().join("journal.log.tmp"))?;
    assert!(Journal::new(dir.path()).load().await.is_err());
    assert!(path.exists() && !dir.path().join("journal.log").exists());
    fs::remove_dir(dir.path().join("journal.log.tmp"))?;
    assert_eq!(loaded(dir.path()).await?, [open.key()]);
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_of_an_earlier_version_is_set_aside_and_its_previous_version_used() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let open = item();
    let (path, previous) = (dir.path().join("errands.json"), dir.path().join("errands.json.bak"));
    for torn in ["", "{", "\0\0\0"] {
        fs::write(&path, torn)?;
        assert!(loaded(dir.path()).await?.is_empty());
        assert!(!path.exists());
        assert_eq!(fs::read_to_string(dir.path().join("errands.json.damaged"))?, torn);
    }
    fs::write(&path, "")?;
    fs::write(&previous, json!({"open": [open], "over": []}).to_string())?;
    assert_eq!(loaded(dir.path()).await?, [open.key()]);
    assert!(!path.exists() && !previous.exists());
    Ok(())
}

#[tokio::test]
async fn a_damaged_line_costs_one_change_and_a_lost_file_begins_anew() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("journal.log");
    let journal = Journal::new(dir.path());
    let items = [item(), item(), item()];
    for item in &items {
        journal.add(item.clone()).await?;
    }
    journal.close().await;
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace(&items[1].transfer_key.to_string(), &Uuid::nil().to_string()))?;
    assert_eq!(loaded(dir.path()).await?, [items[0].key(), items[2].key()]);
    let aside = fs::read_to_string(dir.path().join("journal.log.damaged"))?;
    assert!(aside.contains(&items[1].key()) && aside.lines().count() == 1, "{aside}");

    for torn in ["", "\0\0\0"] {
        fs::write(&path, torn)?;
        assert!(loaded(dir.path()).await?.is_empty());
        assert_eq!(fs::read_to_string(dir.path().join("journal.log.damaged"))?, torn);
        // Nothing is logged twice.
        fs::remove_file(dir.path().join("journal.log.damaged"))?;
        assert!(loaded(dir.path()).await?.is_empty());
        assert!(!dir.path().join("journal.log.damaged").exists());
    }
    Ok(())
}

#[tokio::test]
async fn records_of_a_newer_version_are_kept_and_their_items_not_begun() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut lines = Vec::new();
    let newer = [json!({"put": {"key": "song/1", "item": {"task": "song"}}}), json!({"verse": {"of": "song/1"}})];
    let begin = json!({"begin": {"addedLater": 1}});
    for record in [&begin, &newer[0], &newer[1]] {
        crate::storage::record_log::push_line(&mut lines, record.to_string().as_bytes())?;
    }
    fs::write(dir.path().join("journal.log"), &lines)?;
    let journal = Journal::new(dir.path());
    assert!(journal.load().await?.is_empty());
    assert_eq!(journal.state_of("song/1"), ItemState::Open);
    journal.close().await;
    // A file that is written again holds them, too.
    fs::write(dir.path().join("journal.log"), [&lines[..], b"damaged\n"].concat())?;
    assert!(loaded(dir.path()).await?.is_empty());
    assert_eq!(records(dir.path())?[1..], newer);
    Ok(())
}
