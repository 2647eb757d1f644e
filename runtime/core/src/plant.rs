//! Bugs that are planted on purpose, to see that the simulation finds each of them.
//!
//! They can be switched on with the feature `plants` only: without it [`on`] is `false` wherever it is asked.

use std::fmt;
use std::str::FromStr;

macro_rules! bugs {
    ($($variant:ident $name:literal $about:literal)+) => {
        /// A bug that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Bug {
            $(#[doc = $about] $variant,)+
        }

        impl Bug {
            /// Every bug, in no special order.
            pub const ALL: &[Bug] = &[$(Bug::$variant,)+];

            /// Its name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Bug::$variant => $name,)+ }
            }

            /// What goes wrong where it is planted.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Bug::$variant => $about,)+ }
            }
        }
    };
}

bugs! {
    IgnoreEcho "ignore-echo" "what we wrote ourselves is taken for somebody's change"
    StaleRead "stale-read" "a reading that lags behind what is known is taken for news"
    NobodyOwns "nobody-owns" "fields have no owner"
    LastHeardWins "last-heard-wins" "of several claims the one that was heard last counts, whatever the policy says"
    StockByValue "stock-by-value" "a counter takes the newest value instead of every move"
    SecondChangeIsOld "second-change-is-old" "a connection's second change counts as known to those who know its first"
    CaseMatters "case-matters" "records are matched by their codes letter by letter"
    FloatMoney "float-money" "decimals go through floating point on their way into components"
    AcknowledgeEarly "acknowledge-early" "a webhook is acknowledged before it is stored"
    SkipDedupe "skip-dedupe" "every delivery of a webhook counts as a new one"
    CursorEarly "cursor-early" "a cursor moves on before what was read is logged"
    FoldInTwo "fold-in-two" "entries count as folded before what came of them is stored"
    DropCompareAndSet "drop-compare-and-set" "writes do not say what they were decided on"
    ForgetIntent "forget-intent" "a write is sent before it is stored that it is"
    RetryWithoutLookUp "retry-without-look-up" "a write that may have been carried out is sent again as if it were the first"
    TimeoutIsFailure "timeout-is-failure" "a write that was never answered counts as not carried out"
    TimeoutIsSuccess "timeout-is-success" "a write that was never answered counts as carried out"
    PayBeforeSending "pay-before-sending" "a debt is paid before anything is sent"
    OneFailsAll "one-fails-all" "one write that is not carried out parks all others of its call"
    IgnoreNews "ignore-news" "a write is decided while news of its record waits to be taken in"
    StockInTwoWays "stock-in-two-ways" "orders take stock along while what became of a write to that stock is not known"
    SkipFence "skip-fence" "a worker that lost its lease goes on writing"
    TicksRestart "ticks-restart" "reads and writes are numbered anew by every worker"
    CreateEarly "create-early" "records are created before all is known that a system has"
    DeleteOnMissing "delete-on-missing" "what a complete reading lacks is deleted without asking for it"
    LoseWakeUp "lose-wake-up" "what waits for a record to exist is not told when it does"
    TellRawTruth "tell-raw-truth" "systems are told the truth as it is, and not as they can hold it"
    KeepDecisions "keep-decisions" "what was decided under other rules is not decided again"
    SellTwice "sell-twice" "orders that a shop took and nobody booked yet are not held back from what is published"
    RoundEarly "round-early" "what one rule's per cent make of a price is rounded before another's are put on it"
    TenantMixUp "tenant-mix-up" "what is kept to reach a system with is kept without saying whose it is"
    HookMixUp "hook-mix-up" "what webhooks are verified by is kept without saying whose it is"
    ParkAtOnce "park-at-once" "a write that fails once is given up"
    RefreshBase "refresh-base" "a write that came upon something newer is sent again as if it had been decided on that"
    AcceptedIsApplied "accepted-is-applied" "a write that a system said it took counts as carried out, whatever is read back"
    UndoTheOthers "undo-the-others" "where one write of a call is not carried out, the others are taken back"
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|it| it.name() == text);
        known.ok_or_else(|| format!("there is no bug `{text}`; `--plant list` names them"))
    }
}

#[cfg(feature = "plants")]
mod planted {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Bug;

    /// The bug's place among all, from one; 0: none.
    static PLANTED: AtomicUsize = AtomicUsize::new(0);

    /// From now on this bug is in the program, and no other.
    pub fn plant(bug: Option<Bug>) {
        let place = bug.and_then(|bug| Bug::ALL.iter().position(|it| *it == bug));
        PLANTED.store(place.map_or(0, |it| it + 1), Ordering::SeqCst);
    }

    /// Whether the bug is in the program.
    #[must_use]
    pub fn on(bug: Bug) -> bool {
        let planted = PLANTED.load(Ordering::Relaxed);
        planted > 0 && Bug::ALL.get(planted - 1) == Some(&bug)
    }
}

#[cfg(feature = "plants")]
pub use planted::{on, plant};

/// Whether the bug is in the program: none is.
#[cfg(not(feature = "plants"))]
#[must_use]
pub const fn on(_: Bug) -> bool {
    false
}
