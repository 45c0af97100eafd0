//! Keys come and go: when they are fetched, how often, and what holds when they can't be.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use order_http::{BadToken, PublicKeyAlgorithm, PublicKeys, TokenVerifier};
use order_testkit::builders::START;
use order_testkit::keys::SigningKey;
use tokio::time::{Instant, advance};

use crate::asymmetric::{Published, signing};
use crate::support::Shop;
use crate::tokens::{bearing, claims};

const ALGORITHM: PublicKeyAlgorithm = PublicKeyAlgorithm::EdDsa;
const MINUTE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_millis(1);

/// A verifier over what the user service publishes: the key `old` at first.
struct Door {
    old: SigningKey,
    new: SigningKey,
    published: Arc<Published>,
    keys: Arc<PublicKeys>,
    verifier: TokenVerifier,
}

impl Door {
    fn without_keys() -> Self {
        let (old, new) = (signing(ALGORITHM), signing(ALGORITHM));
        let published = Published::these(&[old.jwk("old")]);
        let keys = Arc::new(PublicKeys::new(ALGORITHM, Arc::clone(&published) as _));
        let verifier = TokenVerifier::public_keys(Arc::clone(&keys));
        Self { old, new, published, keys, verifier }
    }

    async fn open() -> Self {
        let door = Self::without_keys();
        assert!(door.keys.refresh().await);
        door
    }

    /// What becomes of a token: at once, or after a look for its key.
    async fn ask(&self, token: &str) -> Result<(), BadToken> {
        match self.verifier.verify(token, START) {
            Err(BadToken::UnknownKey) if self.verifier.look_for_key_of(token).await => {
                self.verifier.verify(token, START).map(drop)
            }
            at_once => at_once.map(drop),
        }
    }

    async fn ask_old(&self) -> Result<(), BadToken> {
        self.ask(&self.old.token("old", &claims())).await
    }

    async fn ask_new(&self) -> Result<(), BadToken> {
        self.ask(&self.new.token("new", &claims())).await
    }

    /// The user service signs with another key from now on, and publishes both.
    fn rotate(&self) {
        self.published.now(&[self.old.jwk("old"), self.new.jwk("new")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_by_the_first_token_that_names_it() {
    let door = Door::open().await;
    door.rotate();
    assert_eq!(door.ask_new().await, Ok(()));
    assert_eq!(door.ask_old().await, Ok(()));
    assert_eq!(door.published.fetches(), 2);
    assert_eq!(door.ask_new().await, Ok(()));
    assert_eq!(door.published.fetches(), 2, "a known key is not fetched again");
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cause_one_fetch_a_minute_whatever_they_are_called() {
    let door = Door::open().await;
    for id in ["a", "b", "c", ""] {
        assert_eq!(door.ask(&door.new.token(id, &claims())).await, Err(BadToken::UnknownKey));
    }
    assert_eq!(door.published.fetches(), 2);
    door.rotate();
    advance(MINUTE.saturating_sub(MOMENT)).await;
    assert_eq!(door.ask_new().await, Err(BadToken::UnknownKey));
    assert_eq!(door.published.fetches(), 2);
    advance(MOMENT).await;
    assert_eq!(door.ask_new().await, Ok(()));
    assert_eq!(door.published.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_failed_counts_too() {
    let door = Door::open().await;
    door.published.down();
    assert_eq!(door.ask_new().await, Err(BadToken::UnknownKey));
    assert_eq!(door.ask_new().await, Err(BadToken::UnknownKey));
    assert_eq!(door.published.fetches(), 2);
    door.rotate();
    advance(MINUTE).await;
    assert_eq!(door.ask_new().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn tokens_that_no_key_can_help_cause_no_fetch() {
    let door = Door::open().await;
    let unnamed = door.new.sign(&door.new.header(None), &claims());
    assert_eq!(door.ask(&unnamed).await, Err(BadToken::Invalid));
    assert_eq!(door.ask(&door.new.token("old", &claims())).await, Err(BadToken::Invalid));
    assert_eq!(door.ask(&signing(PublicKeyAlgorithm::Es256).token("new", &claims())).await, Err(BadToken::Malformed));
    assert!(!door.verifier.look_for_key_of(&unnamed).await);
    door.rotate();
    assert!(door.keys.refresh().await);
    assert_eq!(door.ask(&unnamed).await, Err(BadToken::UnknownKey), "of two keys it means none");
    assert_eq!(door.published.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn old_keys_stay_when_none_come() {
    let door = Door::open().await;
    let answers: [&[u8]; 5] = [b"", b"<html>", br#"{"keys":[]}"#, br#"{"keys":[{"kty":"oct","k":"AA"}]}"#, b"[]"];
    for garbage in answers {
        door.published.answer(garbage.to_vec());
        assert!(!door.keys.refresh().await);
        assert_eq!(door.ask_old().await, Ok(()), "{}", String::from_utf8_lossy(garbage));
    }
    door.published.down();
    assert!(!door.keys.refresh().await);
    assert_eq!(door.ask_old().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn withdrawn_keys_go_with_the_next_refresh() {
    let door = Door::open().await;
    let keys = Arc::clone(&door.keys);
    let keeping = tokio::spawn(async move { keys.keep_fresh().await });
    door.published.now(&[door.new.jwk("new")]);
    tokio::time::sleep((10 * MINUTE).saturating_sub(MOMENT)).await;
    assert_eq!((door.ask_old().await, door.published.fetches()), (Ok(()), 1));
    tokio::time::sleep(2 * MOMENT).await;
    assert_eq!((door.ask_new().await, door.published.fetches()), (Ok(()), 2));
    assert_eq!(door.ask_old().await, Err(BadToken::UnknownKey));
    // One that fails is tried again sooner.
    door.published.down();
    tokio::time::sleep(10 * MINUTE).await;
    let failed = door.published.fetches();
    door.rotate();
    tokio::time::sleep(MINUTE + MOMENT).await;
    let known = door.verifier.verify(&door.old.token("old", &claims()), START).map(drop);
    assert_eq!((known, door.published.fetches()), (Ok(()), failed + 1));
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_starts_first_lets_nobody_in_and_finds_the_keys_by_itself() {
    let door = Door::without_keys();
    door.published.down();
    assert!(!door.keys.refresh().await);
    assert_eq!(door.ask_old().await, Err(BadToken::NoKeys));
    assert_eq!(door.ask("garbage").await, Err(BadToken::Malformed), "what can be told without keys is told");
    let keys = Arc::clone(&door.keys);
    let keeping = tokio::spawn(async move { keys.keep_fresh().await });
    door.published.now(&[door.old.jwk("old")]);
    tokio::time::sleep(Duration::from_secs(5) + MOMENT).await;
    assert_eq!(door.ask_old().await, Ok(()));
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn many_tokens_with_a_new_key_wait_for_one_fetch() {
    let door = Door::open().await;
    door.rotate();
    door.published.hang();
    let mut asking = Box::pin(join_all((0..100).map(|_| door.ask_new())));
    assert_eq!(asking.as_mut().now_or_never(), None);
    assert_eq!(door.ask_old().await, Ok(()), "nobody else waits");
    door.published.go_on();
    assert_eq!(asking.await, vec![Ok(()); 100]);
    assert_eq!(door.published.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_under_way_is_waited_for_and_spares_a_fetch() {
    let door = Door::open().await;
    door.rotate();
    door.published.hang();
    let mut refreshing = Box::pin(door.keys.refresh());
    let mut asking = Box::pin(door.ask_new());
    assert_eq!((refreshing.as_mut().now_or_never(), asking.as_mut().now_or_never()), (None, None));
    door.published.go_on();
    assert_eq!(tokio::join!(refreshing, asking), (true, Ok(())));
    assert_eq!(door.published.fetches(), 2);
    // No token has caused a fetch yet, so one still may.
    assert_eq!(door.ask(&door.new.token("newer", &claims())).await, Err(BadToken::UnknownKey));
    assert_eq!(door.published.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_three_seconds() {
    let door = Door::open().await;
    door.published.hang();
    let began = Instant::now();
    let answers = join_all((0..100).map(|_| door.ask_new())).await;
    assert_eq!(answers, vec![Err(BadToken::UnknownKey); 100]);
    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(!door.keys.refresh().await);
    assert_eq!(began.elapsed().as_secs(), 6, "a refresh ends, too");
    assert_eq!((door.ask_old().await, door.published.fetches()), (Ok(()), 3));
    advance(MINUTE).await;
    let mut refreshing = Box::pin(door.keys.refresh());
    assert_eq!(refreshing.as_mut().now_or_never(), None);
    let began = Instant::now();
    assert_eq!(tokio::join!(refreshing, door.ask_new()), (false, Err(BadToken::UnknownKey)));
    assert_eq!(began.elapsed().as_secs(), 3, "behind a refresh that hangs, neither");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_was_given_up_counts_too() {
    let door = Door::open().await;
    door.rotate();
    door.published.hang();
    assert_eq!(door.ask_new().await, Err(BadToken::UnknownKey));
    door.published.go_on();
    assert_eq!(door.ask_new().await, Err(BadToken::UnknownKey));
    assert_eq!(door.published.fetches(), 2);
    advance(MINUTE).await;
    assert_eq!(door.ask_new().await, Ok(()));
}

#[actix_web::test]
async fn without_keys_a_token_is_503_and_garbage_is_401() {
    let door = Door::without_keys();
    let mut shop = Shop::open();
    shop.keys = Some(Arc::clone(&door.keys));
    let ask = async |token: &str| shop.ask(bearing(&format!("Bearer {token}"))).await;
    let answer = ask(&door.old.token("old", &claims())).await;
    let problem = answer.is_problem(503, "upstream_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("user service"), "{problem}");
    ask("garbage").await.is_problem(401, "unauthorized");
    ask(&crate::support::token(&claims())).await.is_problem(401, "unauthorized");
    assert!(door.keys.refresh().await);
    assert_eq!(ask(&door.old.token("old", &claims())).await.status, 200);
}

#[actix_web::test]
async fn a_request_with_a_new_key_waits_for_it_and_goes_on() {
    let door = Door::open().await;
    let mut shop = Shop::open();
    shop.keys = Some(Arc::clone(&door.keys));
    door.rotate();
    let bearer = format!("Bearer {}", door.new.token("new", &claims()));
    let answers = join_all((0..20).map(|_| shop.ask(bearing(&bearer)))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(door.published.fetches(), 2);
    let unknown = format!("Bearer {}", door.new.token("newer", &claims()));
    shop.ask(bearing(&unknown)).await.is_problem(401, "unauthorized");
}
