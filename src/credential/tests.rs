//! What a command prints, how often it runs, and what is said when it fails.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A file that each run of a command adds a line to.
struct Runs(PathBuf);

impl Runs {
    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate-credential-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn count(&self) -> usize {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().count()
    }

    /// Counts, then does the rest.
    fn script(&self, rest: &str) -> String {
        format!("echo run >>{}; {rest}", self.0.display())
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn command(script: &str) -> SecretCommand {
    SecretCommand {
        key: "source.password_command".to_owned(),
        words: ["sh", "-c", script].map(str::to_owned).to_vec(),
        timeout: Duration::from_secs(20),
        life: Duration::from_secs(600),
    }
}

fn of(command: &SecretCommand) -> Credential {
    Credential::new(&Secret::default(), Some(command), Kind::SourceSecret)
}

fn printed(script: &str) -> Credential {
    of(&command(script))
}

async fn refusal(script: &str) -> String {
    let error = printed(script).get().await.expect_err(script);
    assert_eq!(error.kind(), Kind::SourceSecret);
    error.to_string()
}

#[tokio::test]
async fn the_line_that_it_printed_is_the_secret() {
    for (script, secret) in [
        ("echo s3cret", "s3cret"),
        ("printf s3cret", "s3cret"),
        ("printf 's3 cret \\r\\n'", "s3 cret "),
        ("echo '{}'", "{}"),
    ] {
        assert_eq!(printed(script).get().await.unwrap().expose(), secret);
    }
    let written = Credential::new(&Secret::new("w"), None, Kind::SourceSecret);
    assert_eq!(written.get().await.unwrap().expose(), "w");
    assert!(
        written
            .after_refusal(&Secret::new("w"))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn arguments_are_not_read_by_a_shell() {
    let mut echo = command("");
    echo.words = vec!["echo".into(), "$HOME; `id` *".into()];
    let secret = of(&echo).get().await;
    assert_eq!(secret.unwrap().expose(), "$HOME; `id` *");
}

#[tokio::test]
async fn what_went_wrong_is_said_without_the_output() {
    for (script, part) in [
        (
            "echo s3cret; echo 'no session' >&2; exit 3",
            "exit status: 3 and said: no session",
        ),
        ("echo s3cret; exit 3", "nothing on standard error"),
        ("echo s3cret; echo more", "more than one line"),
        ("true", "printed nothing"),
        ("printf 's3cret\\377'", "not UTF-8"),
        (
            "head -c 200000 /dev/zero | tr '\\0' s3cret",
            "more than 128 KiB",
        ),
        ("echo s3cret; echo got s3cret >&2; exit 1", "said: got ***"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let text = refusal(script).await;
        assert!(text.starts_with("source.password_command: sh "), "{text}");
        assert!(text.contains(part), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    let mut missing = command("");
    missing.words = vec!["no-such-program".into()];
    let missing = of(&missing);
    let text = missing.get().await.unwrap_err().to_string();
    assert!(text.contains("no-such-program cannot be started"), "{text}");
}

#[tokio::test]
async fn only_the_end_of_a_long_standard_error_is_kept() {
    let text = refusal("seq 100000 >&2; exit 1").await;
    assert!(
        text.ends_with("; 99999; 100000") && text.len() < 6000,
        "{text}"
    );
    // A line whose beginning is lost could be the end of a secret.
    let text = refusal("head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1").await;
    assert!(text.ends_with("nothing on standard error"), "{text}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended() {
    let runs = Runs::new();
    let mut slow = command(&format!("sleep 2; {}", runs.script("echo late")));
    slow.timeout = Duration::from_millis(200);
    let error = of(&slow).get().await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("longer than 0.2 s (source.password_command_timeout)"),
        "{text}"
    );
    // One that leaves its output to another program counts as running.
    let mut left = command("sleep 60 &");
    left.timeout = Duration::from_millis(200);
    let left = of(&left).get().await;
    assert!(left.unwrap_err().to_string().contains("took longer"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(runs.count(), 0, "it was ended");
}

#[tokio::test]
async fn connections_that_are_opened_together_share_a_run() {
    let runs = Runs::new();
    let credential = printed(&runs.script("sleep 0.2; echo s3cret"));
    let all = futures::future::join_all((0..8).map(|_| credential.get())).await;
    assert!(
        all.into_iter()
            .all(|secret| secret.unwrap().expose() == "s3cret")
    );
    assert_eq!(runs.count(), 1);

    // A failure as well; the next connection tries again.
    let runs = Runs::new();
    let credential = printed(&runs.script("sleep 0.2; exit 1"));
    let all = futures::future::join_all((0..8).map(|_| credential.get())).await;
    assert!(all.into_iter().all(|secret| secret.is_err()));
    assert_eq!(runs.count(), 1);
    credential.get().await.unwrap_err();
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn a_secret_that_is_older_than_its_life_is_fetched_again() {
    let runs = Runs::new();
    let mut counted = command(&runs.script(&format!("wc -l <{}", runs.0.display())));
    counted.life = Duration::from_millis(300);
    let credential = of(&counted);
    let get = || async { credential.get().await.unwrap().expose().trim().to_owned() };
    assert_eq!((get().await, get().await), ("1".into(), "1".into()));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(get().await, "2");
}

#[tokio::test]
async fn a_refused_secret_is_fetched_once_more_and_tried_if_it_is_another() {
    let runs = Runs::new();
    let credential = printed(&runs.script(&format!("wc -l <{}", runs.0.display())));
    let first = credential.get().await.unwrap();
    let refused = (0..4).map(|_| credential.after_refusal(&first));
    for other in futures::future::join_all(refused).await {
        assert_ne!(other.unwrap(), Some(first.clone()));
    }
    assert_eq!(runs.count(), 2, "four refusals of one secret, one run");

    let runs = Runs::new();
    let same = printed(&runs.script("echo same"));
    let first = same.get().await.unwrap();
    assert_eq!(same.after_refusal(&first).await.unwrap(), None);
    assert_eq!(runs.count(), 2);
}
