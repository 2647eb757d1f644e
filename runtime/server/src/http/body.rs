//! Reading bodies: never more than a route allows, never slower than a client may be, never more at once than the
//! server has room for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::problem::ApiError;

/// How bodies are read.
pub(super) struct Intake {
    /// Bytes that all bodies together may hold.
    room: Arc<Semaphore>,
    /// From the first to the last byte.
    whole: Duration,
    /// From one piece to the next.
    idle: Duration,
}

/// A body, and the room it takes until it is dropped.
pub(super) struct Held {
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Intake {
    pub(super) fn new(room_bytes: usize, whole: Duration, idle: Duration) -> Self {
        Self { room: Arc::new(Semaphore::new(room_bytes.min(Semaphore::MAX_PERMITS))), whole, idle }
    }

    /// The whole body. What is declared to be too large is refused before a byte of it is read, what turns out to be
    /// with the piece that crosses the limit.
    pub(super) async fn collect(&self, mut body: Body, bytes_max: usize) -> Result<Held, ApiError> {
        let too_large = || ApiError::TooLarge { bytes_max };
        let declared = usize::try_from(hyper::body::Body::size_hint(&body).lower()).map_err(|_| too_large())?;
        if declared > bytes_max {
            return Err(too_large());
        }
        let end = Instant::now() + self.whole;
        let (mut pieces, mut total, mut room) = (Vec::new(), 0usize, None);
        loop {
            let frame = timeout_at(end.min(Instant::now() + self.idle), body.frame());
            let Some(frame) = frame.await.map_err(|_| ApiError::Slow)? else { break };
            let frame = frame.map_err(|_| ApiError::bad("body-broken", "the body ended early or is malformed"))?;
            let Ok(piece) = frame.into_data() else { continue };
            total = total.saturating_add(piece.len());
            if total > bytes_max {
                return Err(too_large());
            }
            self.take_room(piece.len(), &mut room)?;
            pieces.push(piece);
        }
        Ok(Held { bytes: joined(pieces, total), _room: room })
    }

    fn take_room(&self, bytes: usize, room: &mut Option<OwnedSemaphorePermit>) -> Result<(), ApiError> {
        let bytes = u32::try_from(bytes).map_err(|_| ApiError::Busy)?;
        let more = self.room.clone().try_acquire_many_owned(bytes).map_err(|_| ApiError::Busy)?;
        match room {
            Some(room) => room.merge(more),
            None => *room = Some(more),
        }
        Ok(())
    }
}

/// One piece is passed on as it is: most bodies are one.
fn joined(mut pieces: Vec<Bytes>, total: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let mut whole = BytesMut::with_capacity(total);
    for piece in pieces {
        whole.extend_from_slice(&piece);
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    fn intake(room: usize) -> Intake {
        Intake::new(room, Duration::from_millis(200), Duration::from_millis(50))
    }

    fn pieces(count: usize) -> Body {
        let piece = || Ok::<_, std::io::Error>(Bytes::from_static(&[7; 10]));
        Body::from_stream(stream::iter((0..count).map(move |_| piece())))
    }

    async fn code(intake: &Intake, body: Body, bytes_max: usize) -> String {
        match intake.collect(body, bytes_max).await {
            Ok(held) => format!("{} bytes", held.bytes.len()),
            Err(error) => error.code().to_owned(),
        }
    }

    #[tokio::test]
    async fn u2_an_endless_body_ends_at_its_limit() {
        assert_eq!(code(&intake(1_000), pieces(10), 100).await, "100 bytes");
        assert_eq!(code(&intake(1_000), pieces(11), 100).await, "too-large");
        assert_eq!(code(&intake(1_000), pieces(usize::MAX), 100).await, "too-large");
        assert_eq!(code(&intake(1_000), Body::from(vec![0; 101]), 100).await, "too-large");
    }

    #[tokio::test]
    async fn room_is_given_back() {
        let intake = intake(100);
        let held = intake.collect(pieces(6), 100).await.ok().unwrap();
        assert_eq!(code(&intake, pieces(6), 100).await, "unavailable");
        drop(held);
        assert_eq!(code(&intake, pieces(6), 100).await, "60 bytes");
    }

    #[tokio::test]
    async fn i11_a_body_that_stalls_is_given_up() {
        let stalls = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"x")) });
        let body = Body::from_stream(futures::StreamExt::chain(stalls, stream::pending()));
        assert_eq!(code(&intake(100), body, 100).await, "too-slow");
    }

    #[tokio::test]
    async fn i11_a_body_that_dribbles_is_given_up() {
        let dribble = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(code(&intake(100), Body::from_stream(dribble), 100).await, "too-slow");
    }
}
