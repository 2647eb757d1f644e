//! What shows late.

use truthsource_core::Kind;

use super::seen::{begun, difference, stir};
use super::stand::Stand;
use super::verdict::{Found, Halt};

/// How late searches are made where nothing is declared to lag.
const UNDECLARED_LAG_MS: u64 = 5_000;

/// A change that searches show as late as is declared is seen by pulls that went on meanwhile.
///
/// # Errors
/// When it cannot be tried.
pub async fn lag(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let declared = {
        let (rig, ..) = begun(stand, kind).await?;
        u64::from(rig.power(kind)?.lag_ms)
    };
    let mut tolerated = None;
    for lag_ms in [declared, 2 * declared] {
        match late(stand, kind, if declared == 0 { UNDECLARED_LAG_MS } else { lag_ms }).await? {
            Late::Told => tolerated = Some(lag_ms),
            // What nothing lags for cannot be late.
            Late::AtOnce if declared == 0 => return Ok(Found::proved("every pull shows the present").measuring(0)),
            Late::AtOnce => return Err(Halt::Untested("nothing shows late at the simulated system".to_owned())),
            Late::Lost(told) if lag_ms == declared => return Ok(Found::refuted(told)),
            Late::Lost(_) => break,
        }
        if declared == 0 {
            return Ok(Found::refuted("no lag is declared, and what people did did not show at once"));
        }
    }
    let lag_ms = tolerated.unwrap_or(declared);
    Ok(Found::proved(format!("what showed {lag_ms} ms late was told of by pulls that went on meanwhile"))
        .measuring(lag_ms))
}

enum Late {
    /// It did not show at once, and was told in the end.
    Told,
    /// It showed at once.
    AtOnce,
    /// It was not told.
    Lost(String),
}

async fn late(stand: &Stand, kind: Kind, lag_ms: u64) -> Result<Late, Halt> {
    let (rig, before, cursor) = begun(stand, kind).await?;
    rig.lag(lag_ms);
    let did = stir(&rig, kind, 3).await?;
    let (mut seen, mut cursor) = rig.delta(kind, &cursor, 0).await?;
    let early = seen.clone();
    let grain_ms = u64::from(rig.power(kind)?.granularity_ms);
    for wait_ms in [lag_ms / 2, lag_ms / 2 + grain_ms + 1] {
        rig.pass(wait_ms);
        let (more, next) = rig.delta(kind, &cursor, 0).await?;
        (seen, cursor) = (seen.then(more), next);
    }
    rig.lag(0);
    let after = rig.list(kind).await?;
    let news = difference(&before, &after);
    if news.is_empty() {
        return Err(Halt::Broken(format!("{did}, and a complete listing of {kind} is as it was")));
    }
    if let Some(lost) = news.iter().find(|it| !seen.tells(it)) {
        let told = format!("{did}, and searches showed it {lag_ms} ms late; no pull told of {}", lost.remote_id);
        return Ok(Late::Lost(told));
    }
    Ok(if news.iter().all(|it| early.tells(it)) { Late::AtOnce } else { Late::Told })
}
