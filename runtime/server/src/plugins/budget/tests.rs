use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::sync::Semaphore;
use truthsource_host::model::Window;

use super::*;

/// An account that answers when it is let; how many requests are there, and how many came.
struct Held {
    answers: Semaphore,
    here: AtomicUsize,
    came: AtomicUsize,
}

#[async_trait]
impl Transport for Held {
    async fn send(&self, _: http::Request<Bytes>, _: Duration) -> Result<http::Response<Bytes>, TransportError> {
        self.came.fetch_add(1, Ordering::SeqCst);
        self.here.fetch_add(1, Ordering::SeqCst);
        self.answers.acquire().await.unwrap().forget();
        self.here.fetch_sub(1, Ordering::SeqCst);
        Ok(http::Response::new(Bytes::new()))
    }
}

/// Two connections to one account with this limit, which lets so many requests be answered.
fn account(rate: Rate, answers: usize) -> (Arc<Held>, [Arc<Paced>; 2]) {
    let (here, came) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let held = Arc::new(Held { answers: Semaphore::new(answers), here, came });
    let budget = Arc::new(Budget::default());
    budget.limit(&rate);
    let paced = [(); 2].map(|()| Arc::new(Paced { inner: held.clone(), budget: budget.clone() }));
    (held, paced)
}

async fn send(paced: Arc<Paced>, within: Duration) -> Result<(), TransportError> {
    paced.send(http::Request::new(Bytes::new()), within).await.map(|_| ())
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn connections_to_one_account_share_its_places() {
    let (held, paced) = account(Rate::Concurrent(5), 0);
    let sent = (0..20).map(|at| tokio::spawn(send(paced[at % 2].clone(), MINUTE))).collect::<Vec<_>>();
    for n in 0..20 {
        while held.came.load(Ordering::SeqCst) < (n + 5).min(20) {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        assert!(held.here.load(Ordering::SeqCst) <= 5);
        held.answers.add_permits(1);
    }
    assert!(join_all(sent).await.into_iter().all(|it| it.unwrap().is_ok()));
}

#[tokio::test]
async fn a_rate_is_kept_to_by_all_together() {
    let (held, paced) = account(Rate::Window(Window { requests: 15, seconds: 1, at_once: None }), 20);
    let began = Instant::now();
    let sent = join_all((0..20).map(|at| send(paced[at % 2].clone(), MINUTE))).await;
    assert!(sent.iter().all(Result::is_ok) && held.came.load(Ordering::SeqCst) == 20);
    assert!(began.elapsed() >= Duration::from_millis(990), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_finds_no_room_in_time_was_never_sent() {
    let (held, paced) = account(Rate::Concurrent(1), 0);
    let first = tokio::spawn(send(paced[0].clone(), MINUTE));
    while held.came.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let second = send(paced[1].clone(), Duration::from_millis(20)).await;
    assert!(matches!(second, Err(TransportError::Unreachable(_))), "{second:?}");
    assert_eq!(held.came.load(Ordering::SeqCst), 1);
    held.answers.add_permits(1);
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_system_that_says_itself_when_it_is_too_much_is_not_held_back() {
    let (held, paced) = account(Rate::Other("points".to_owned()), 0);
    let sent = (0..20).map(|at| tokio::spawn(send(paced[at % 2].clone(), MINUTE))).collect::<Vec<_>>();
    while held.here.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    held.answers.add_permits(20);
    assert!(join_all(sent).await.into_iter().all(|it| it.unwrap().is_ok()));
}

/// An account that answers at once, and what it was asked for, in order.
struct Answers {
    asked: Mutex<Vec<(Class, Instant)>>,
    say: Box<dyn Fn(usize) -> http::Response<Bytes> + Send + Sync>,
}

#[async_trait]
impl Transport for Answers {
    async fn send(&self, request: http::Request<Bytes>, _: Duration) -> Result<http::Response<Bytes>, TransportError> {
        let n = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((request.extensions().get::<Class>().copied().unwrap_or_default(), Instant::now()));
            asked.len()
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok((self.say)(n))
    }
}

fn answering(
    rate: Rate,
    say: impl Fn(usize) -> http::Response<Bytes> + Send + Sync + 'static,
) -> (Arc<Answers>, Arc<Paced>) {
    let answers = Arc::new(Answers { asked: Mutex::default(), say: Box::new(say) });
    let budget = Arc::new(Budget::default());
    budget.limit(&rate);
    (answers.clone(), Arc::new(Paced { inner: answers, budget }))
}

async fn ask(paced: Arc<Paced>, class: Class) {
    let mut request = http::Request::new(Bytes::new());
    request.extensions_mut().insert(class);
    paced.send(request, MINUTE).await.unwrap();
}

#[tokio::test]
async fn what_is_urgent_goes_first_and_nobody_is_forgotten() {
    let (answers, paced) = answering(Rate::Concurrent(1), |_| http::Response::new(Bytes::new()));
    let classes = [vec![Class::Sweep; 2], vec![Class::Price; 3], vec![Class::Order; 40]].concat();
    join_all(classes.into_iter().map(|it| ask(paced.clone(), it))).await;
    let asked: Vec<Class> = answers.asked.lock().unwrap().iter().map(|it| it.0).collect();
    // The first found an empty account; then a price in twenty calls, and the other sweep at the very end.
    let places = |class| asked.iter().enumerate().filter(|it| *it.1 == class).map(|it| it.0).collect::<Vec<_>>();
    assert_eq!((places(Class::Sweep), places(Class::Price)), (vec![0, 44], vec![20, 40, 43]));
}

/// What one call is told holds for all that lead to the account.
#[tokio::test]
async fn patience_that_is_asked_of_one_is_shown_by_all() {
    let busy = || http::Response::builder().status(429).header("retry-after", "1").body(Bytes::new()).unwrap();
    let (answers, paced) =
        answering(Rate::Concurrent(4), move |n| if n == 1 { busy() } else { http::Response::new(Bytes::new()) });
    let began = Instant::now();
    ask(paced.clone(), Class::Price).await;
    join_all([Class::Order, Class::Stock].map(|it| ask(paced.clone(), it))).await;
    let asked = answers.asked.lock().unwrap();
    assert!(asked[1..].iter().all(|it| it.1 - began >= Duration::from_millis(990)), "{asked:?}");
}

/// A bucket of 100 points, refilled by 500 a second; a call needs 20.
#[tokio::test]
async fn points_that_an_account_counts_are_not_overdrawn() {
    let bucket = Arc::new(Mutex::new((100_000i64, Instant::now(), 0)));
    let at = bucket.clone();
    let way = |text: &str| text.split('.').map(str::to_owned).collect();
    let points = PointsAt {
        available: way("cost.left"),
        maximum: way("cost.most"),
        per_second: way("cost.back"),
        needed: way("cost.needed"),
        cost: way("cost.cost"),
    };
    let (_, paced) = answering(Rate::Points(Box::new(points)), move |_| {
        let mut bucket = at.lock().unwrap();
        let back = i64::try_from(bucket.1.elapsed().as_millis()).unwrap() * 500;
        bucket.0 = (bucket.0 + back).min(100_000) - 20_000;
        bucket.1 = Instant::now();
        bucket.2 += i32::from(bucket.0 < 0);
        let left = bucket.0.max(0) / 1_000;
        let body = format!(r#"{{"cost":{{"left":{left},"most":100,"back":500.0,"needed":20,"cost":20}}}}"#);
        http::Response::new(Bytes::from(body))
    });
    let began = Instant::now();
    join_all((0..50).map(|_| ask(paced.clone(), Class::Price))).await;
    // 1000 points, of which 100 were there.
    assert!(began.elapsed() >= Duration::from_millis(1_750), "{:?}", began.elapsed());
    assert_eq!(bucket.lock().unwrap().2, 0, "it was overdrawn");
    assert_eq!(paced.budget.look(|it, _| it.rate_milli(Class::Price)), Some(25_000));
}
